import { FAULT_NAMES, isSimulatorError, REAL_PACING, startSimulator, type FaultOptions, type Pacing, type RateLimitOptions, type SimulatorOptions } from '@penstock/anthropic-simulator';
import { nearestName } from '@penstock/option-names';
import type { CommandOutput } from '../check.ts';

/** The flags of `penstock simulate`, as text. */
export interface SimulateOptions {
  readonly host: string;
  readonly port: string;
  readonly quota?: readonly string[] | undefined;
  readonly fault?: readonly string[] | undefined;
  readonly faultEvery?: string | undefined;
  readonly pace?: string | undefined;
  readonly recordings?: string | undefined;
  readonly apiKey?: readonly string[] | undefined;
}

const QUOTAS: Readonly<Record<string, keyof RateLimitOptions>> = { requests: 'requests', input_tokens: 'inputTokens', output_tokens: 'outputTokens' };
/** Faults whose option is not the camel case of their word. */
const RENAMED: Readonly<Record<string, keyof FaultOptions>> = { pace: 'paceMs', chunk: 'chunkBytes', 'delay-head': 'delayHeadMs' };

/** A flag that has no usable value. */
class FlagError extends Error {
  override readonly name = 'FlagError';
}

/** `penstock simulate`: serves the simulator until `stopped` resolves. Returns the exit code. */
export async function runSimulate(options: SimulateOptions, stopped: Promise<unknown>, { stdout, stderr }: CommandOutput): Promise<number> {
  try {
    const read = readFlags(options);
    const simulator = await startSimulator(read);
    stdout.write(describe(simulator.origin, simulator.recordings, read));
    await stopped;
    const { requestCount } = simulator;
    await simulator.close();
    stdout.write(`stopped after ${requestCount} request(s)\n`);
    return 0;
  } catch (error) {
    if (isSimulatorError(error) || error instanceof FlagError) stderr.write(`${error.message}\n`);
    else if (isListenError(error)) stderr.write(`cannot listen on ${options.host}:${options.port} (${error.code}): try another --port\n`);
    else throw error;
    return 1;
  }
}

function readFlags({ host, port, quota, fault = [], faultEvery, pace, recordings, apiKey }: SimulateOptions): SimulatorOptions {
  const faults = readFaults(fault);
  return {
    host, port: wholeNumber('--port', port, 0), pacing: readPace(pace),
    ...quota === undefined ? {} : { rateLimits: readQuota(quota), enforceRateLimits: true },
    ...faults === undefined ? {} : { faults },
    ...faultEvery === undefined ? {} : { faultEvery: wholeNumber('--fault-every', faultEvery, 1) },
    ...recordings === undefined ? {} : { recordings },
    ...apiKey === undefined ? {} : { apiKeys: apiKey },
  };
}

function readQuota(given: readonly string[]): Partial<RateLimitOptions> {
  return Object.fromEntries(given.map((text): [string, number] => {
    const [name = '', value = ''] = text.split('=');
    const option = Object.hasOwn(QUOTAS, name) ? QUOTAS[name] : undefined;
    if (option === undefined) throw new FlagError(`--quota must be one of ${Object.keys(QUOTAS).map((known) => `${known}=N`).join(', ')}, received ${JSON.stringify(text)}${suggest(name, Object.keys(QUOTAS))}`);
    return [option, wholeNumber(`--quota ${name}`, value, 0)];
  }));
}

function readFaults(given: readonly string[]): FaultOptions | undefined {
  const words = given.flatMap((text) => text.split(','));
  if (words.length === 0) return undefined;
  return Object.fromEntries(words.map((word): [string, string | number | boolean] => {
    const separator = word.indexOf('=');
    const name = separator === -1 ? word : word.slice(0, separator);
    if (!FAULT_NAMES.includes(name)) throw new FlagError(`--fault must be one of ${FAULT_NAMES.join(', ')}, received ${JSON.stringify(name)}${suggest(name, FAULT_NAMES)}`);
    const value = separator === -1 ? true : word.slice(separator + 1);
    const option = RENAMED[name] ?? name.replaceAll(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
    return [option, typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value];
  }));
}

function suggest(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

/** `real`, or tokens a second. */
function readPace(pace: string | undefined): Partial<Pacing> {
  if (pace === undefined) return {};
  return pace === 'real' ? REAL_PACING : { ...REAL_PACING, tokensPerSecond: wholeNumber('--pace', pace, 1) };
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) throw new FlagError(`${flag} must be a whole number from ${least}, received ${JSON.stringify(text)}`);
  return Number(text);
}

function describe(origin: string, recordings: readonly string[], { faults, faultEvery = 1, rateLimits }: SimulatorOptions): string {
  const often = faultEvery === 1 ? 'every request' : `one request of ${faultEvery}`;
  const lines = [
    `The simulated Anthropic API is ready on ${origin}`,
    ...faults === undefined ? [] : [`  faults      ${JSON.stringify(faults)} in ${often}`],
    ...rateLimits === undefined ? [] : [`  quota       ${JSON.stringify(rateLimits)} a minute, then 429`],
    ...recordings.length === 0 ? [] : [`  recordings  ask the model sim-recording:NAME: ${recordings.slice(0, 10).join(', ')}${recordings.length > 10 ? ', …' : ''}`],
    'Put a gateway in front of it:',
    `  ANTHROPIC_API_KEY=any ANTHROPIC_BASE_URL=${origin} penstock start`,
  ];
  return `${lines.join('\n')}\n`;
}

function isListenError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'code' in error;
}
