import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { systemClock, type Clock } from './clock.ts';
import { readFaultOptions, type FaultOptions } from './fault-options.ts';
import type { RateLimitOptions } from './http/rate-limits.ts';
import type { Pacing } from './messages/message-plan.ts';
import { SimulatorError } from './simulator-error.ts';

/** How to start a simulator; every member may be left out. */
export interface SimulatorOptions {
  /** The port to listen on; 0 takes a free one. @defaultValue 0 */
  readonly port?: number;
  /** The address to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** A folder with `sse`, `json`, `jsonl`, `error` and `transcripts` of recorded responses; absent: nothing can be replayed. */
  readonly recordings?: string;
  /** The credentials that are accepted, as `x-api-key` or bearer; absent: any or none. */
  readonly apiKeys?: readonly string[];
  /** The origin that `results_url` of a batch starts with; absent: the simulator's own. */
  readonly publicOrigin?: string;
  /** How fast answers come where the scenario does not say; absent: fast enough for tests. */
  readonly pacing?: Partial<Pacing>;
  /** What the `anthropic-ratelimit-*` headers count down from, a minute. */
  readonly rateLimits?: Partial<RateLimitOptions>;
  /** Whether a spent rate limit answers 429. @defaultValue false */
  readonly enforceRateLimits?: boolean;
  /** Faults of every request under `/v1/`; the request's own and those of a programmed answer are laid over them. */
  readonly faults?: FaultOptions;
  /** Only each so many-th request has `faults`. @defaultValue 1 */
  readonly faultEvery?: number;
  /** How many answered polls a batch stays `in_progress`. @defaultValue 0 */
  readonly batchPolls?: number;
  /** Further model identifiers that `/v1/models` lists. */
  readonly models?: readonly string[];
  /** Changes every identifier that does not follow from a request body. @defaultValue 'penstock' */
  readonly seed?: string;
  /** Where dates and delays come from. */
  readonly clock?: Clock;
  /** How many requests `requests` keeps, the oldest leaving first. @defaultValue 1000 */
  readonly maxRecordedRequests?: number;
  /** How many body bytes are kept of each recorded request. @defaultValue 1048576 */
  readonly maxRecordedBodyBytes?: number;
  /** How long an idle connection is kept, as the real edge does. @defaultValue 30000 */
  readonly keepAliveTimeoutMs?: number;
}

/** The options with every default filled in. */
export interface ResolvedOptions extends Required<Omit<SimulatorOptions, 'recordings' | 'apiKeys' | 'publicOrigin' | 'pacing' | 'rateLimits' | 'faults'>> {
  readonly recordings: string | undefined;
  readonly apiKeys: readonly string[] | undefined;
  readonly publicOrigin: string | undefined;
  readonly pacing: Pacing;
  readonly rateLimits: RateLimitOptions;
  readonly faults: FaultOptions;
}

/** The pace of a model as people know it, for demonstrations. */
export const REAL_PACING: Pacing = Object.freeze({ firstTokenMs: 700, tokensPerSecond: 60, pingIntervalMs: 15_000 });

/** What a simulator does when nothing is said. */
export const DEFAULT_OPTIONS: ResolvedOptions = Object.freeze({
  port: 0,
  host: '127.0.0.1',
  recordings: undefined,
  apiKeys: undefined,
  publicOrigin: undefined,
  pacing: Object.freeze({ firstTokenMs: 2, tokensPerSecond: 20_000, pingIntervalMs: 15_000 }),
  rateLimits: Object.freeze({ requests: 20_000, inputTokens: 4_000_000, outputTokens: 800_000 }),
  enforceRateLimits: false,
  faults: Object.freeze({}),
  faultEvery: 1,
  batchPolls: 0,
  models: Object.freeze([]),
  seed: 'penstock',
  clock: systemClock,
  maxRecordedRequests: 1_000,
  maxRecordedBodyBytes: 1_048_576,
  keepAliveTimeoutMs: 30_000,
});

const MAX_PORT = 65_535;

const OPTION_TYPES: Readonly<Record<keyof SimulatorOptions, OptionType>> = Object.freeze({
  port: 'number?', host: 'string?', recordings: 'string?', apiKeys: 'list?', publicOrigin: 'string?', pacing: 'object?', rateLimits: 'object?', enforceRateLimits: 'boolean?',
  faults: 'object?', faultEvery: 'number?', batchPolls: 'number?', models: 'list?', seed: 'string?', clock: 'object?', maxRecordedRequests: 'number?', maxRecordedBodyBytes: 'number?',
  keepAliveTimeoutMs: 'number?',
});

/** Fills in defaults and checks every option once; throws `SimulatorError` `invalid_option` or `unknown_option`. */
export function resolveOptions(options: SimulatorOptions): ResolvedOptions {
  refuseUnknown('', options, OPTION_TYPES);
  const wrong = describeWrongOption(options, OPTION_TYPES);
  if (wrong !== undefined) throw new SimulatorError('invalid_option', wrong);
  refuseUnknown('pacing.', options.pacing ?? {}, DEFAULT_OPTIONS.pacing);
  refuseUnknown('rateLimits.', options.rateLimits ?? {}, DEFAULT_OPTIONS.rateLimits);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as SimulatorOptions;
  const resolved: ResolvedOptions = {
    ...DEFAULT_OPTIONS, ...given,
    pacing: { ...DEFAULT_OPTIONS.pacing, ...given.pacing },
    rateLimits: { ...DEFAULT_OPTIONS.rateLimits, ...given.rateLimits },
  };
  for (const [name, value] of Object.entries({ ...resolved.rateLimits, ...pickNumbers(resolved) })) requireCount(name, value);
  for (const [name, value] of Object.entries(resolved.pacing)) requirePositive(`pacing.${name}`, value);
  if (resolved.publicOrigin !== undefined && !URL.canParse(resolved.publicOrigin)) {
    throw new SimulatorError('invalid_option', `publicOrigin must be an absolute URL, received ${resolved.publicOrigin}`);
  }
  if (resolved.port > MAX_PORT) throw new SimulatorError('invalid_option', `port must be at most ${MAX_PORT}, received ${resolved.port}`);
  if (resolved.faultEvery < 1) throw new SimulatorError('invalid_option', `faultEvery must be a positive integer, received ${resolved.faultEvery}`);
  readFaultOptions(resolved.faults);
  return resolved;
}

function refuseUnknown(prefix: string, options: object, known: object): void {
  const unknown = describeUnknownOption(options, known);
  if (unknown !== undefined) throw new SimulatorError('unknown_option', prefix + unknown);
}

function pickNumbers({ port, batchPolls, faultEvery, maxRecordedRequests, maxRecordedBodyBytes, keepAliveTimeoutMs }: ResolvedOptions): Record<string, number> {
  return { port, batchPolls, faultEvery, maxRecordedRequests, maxRecordedBodyBytes, keepAliveTimeoutMs };
}

function requireCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0) throw new SimulatorError('invalid_option', `${name} must be a non-negative integer, received ${value}`);
}

function requirePositive(name: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)) || (value === 0 && name !== 'pacing.firstTokenMs')) {
    throw new SimulatorError('invalid_option', `${name} must be a positive number, received ${value}`);
  }
}
