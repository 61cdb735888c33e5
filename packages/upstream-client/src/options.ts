import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { UpstreamOptionError } from './upstream-option-error.ts';

/** How many connections may exist, idle, and be waited for. */
export interface PoolOptions {
  /** Slots: connections that may exist at once, each serving one request. @defaultValue 20 */
  readonly maxConnections?: number;
  /** Idle connections kept for reuse. Must not exceed `maxConnections`. @defaultValue min(10, maxConnections) */
  readonly maxKeepAliveConnections?: number;
  /** How long an idle connection is kept; none is reused in its last second. @defaultValue 30_000 */
  readonly keepAliveExpiryMs?: number;
  /** Requests that may wait for a slot at once; one more is refused with `queue_full`. @defaultValue 100 */
  readonly maxWaiting?: number;
  /**
   * The part of the slots that long-lived requests may hold together, and of `maxWaiting` that may wait for it in a queue of their own: more than 0,
   * at most 1; at least one slot. @defaultValue 0.25
   */
  readonly longLivedShare?: number;
}

/** The clocks of one request. */
export interface RequestTimeouts {
  /** From dispatch until a slot is free. Error `slot_timeout`. @defaultValue 5_000 */
  readonly slotWaitMs: number;
  /** From the start of DNS until TCP and TLS are done. Error `connect_timeout`. @defaultValue 10_000 */
  readonly connectMs: number;
  /** Without progress while the request body is written; below 2,000 a slow but healthy peer may trip it. Error `write_timeout`. @defaultValue 10_000 */
  readonly writeStallMs: number;
  /** From the last byte of the request until the final response head; 1xx responses do not extend it. Error `headers_timeout`. @defaultValue 60_000 */
  readonly headersMs: number;
  /** Between two pieces of the response body, and after the head; stands still while paused. Error `idle_timeout`. @defaultValue 120_000 */
  readonly idleMs: number;
}

/** TLS to the upstream. Verification is always on and has no switch. */
export interface TlsOptions {
  /** PEM certificate authorities to trust besides the system's own. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** PEM client certificate chain. */
  readonly cert?: string | Uint8Array;
  /** PEM private key of the client certificate. */
  readonly key?: string | Uint8Array;
  /** @defaultValue 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The name to ask for and to verify, where it is not the host of the origin. */
  readonly servername?: string;
}

/** What is taken from a response before it is refused as `invalid_response`. */
export interface ResponseLimits {
  /** Bytes of a response head, its status line and all 1xx heads before it included. @defaultValue 65_536 */
  readonly maxHeadBytes?: number;
  /** Bytes of the names and values of one head. @defaultValue 16_384 */
  readonly maxHeaderBytes?: number;
  /** Header fields of one head. @defaultValue 200 */
  readonly maxHeaders?: number;
  /** 1xx responses before the final one. @defaultValue 16 */
  readonly maxInformational?: number;
}

/** Decides whether a body is whole, from its bytes. */
export interface BodyCheck {
  /** Takes the next bytes. Must not throw. */
  update(chunk: Uint8Array): void;
  /** Asked once, when no byte follows. */
  isWhole(): boolean;
}

/** Makes the check of one response from its fields, a flat list of latin1 names and values; `undefined` where nothing can tell. */
export type CreateBodyCheck = (rawHeaders: readonly string[]) => BodyCheck | undefined;

/** Options of `createUpstreamClient`. */
export interface UpstreamClientOptions {
  /** The one origin this client talks to, such as `https://api.anthropic.com`. */
  readonly origin: string | URL;
  readonly pool?: PoolOptions;
  readonly timeouts?: Partial<RequestTimeouts>;
  readonly tls?: TlsOptions;
  readonly limits?: ResponseLimits;
  /**
   * Asked for each response whose body only the end of its connection delimits, which a cut cannot be told from: one that is not whole then
   * ends in `truncated`. Absent: such a body is whole when its connection ended in order.
   */
  readonly closeDelimitedCheck?: CreateBodyCheck;
  /** An `http:` or `https:` proxy to tunnel through with CONNECT; its user info becomes basic authentication. Absent: none. */
  readonly proxy?: string | URL;
  /** Offer HTTP/2, still one request per connection; header case and order are then not the upstream's. @defaultValue false */
  readonly allowH2?: boolean;
  /**
   * Turns off what is done through private parts of undici and Node for speed: bypassing the socket's read buffer, and response heads that undici
   * does not parse. Everything sent and received is the same. @defaultValue false
   */
  readonly plain?: boolean;
}

/** Pool numbers with nothing left out. */
export type ResolvedPool = Readonly<Required<PoolOptions>>;
/** Response limits with nothing left out. */
export type ResolvedLimits = Readonly<Required<ResponseLimits>>;

/** The pool when nothing is said. */
export const DEFAULT_POOL: ResolvedPool = Object.freeze({ maxConnections: 20, maxKeepAliveConnections: 10, keepAliveExpiryMs: 30_000, maxWaiting: 100, longLivedShare: 0.25 });

/** The clocks when nothing is said. */
export const DEFAULT_TIMEOUTS: RequestTimeouts = Object.freeze({ slotWaitMs: 5_000, connectMs: 10_000, writeStallMs: 10_000, headersMs: 60_000, idleMs: 120_000 });

/** The response limits when nothing is said. */
export const DEFAULT_LIMITS: ResolvedLimits = Object.freeze({ maxHeadBytes: 65_536, maxHeaderBytes: 16_384, maxHeaders: 200, maxInformational: 16 });

/** The longest span a Node timer can hold, in milliseconds: a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** `origin` and `proxy` are checked where they are read. */
const CLIENT_OPTIONS: Readonly<Record<Exclude<keyof UpstreamClientOptions, 'origin' | 'proxy'>, OptionType>> = {
  pool: 'object?', timeouts: 'object?', tls: 'object?', limits: 'object?', closeDelimitedCheck: 'function?', allowH2: 'boolean?', plain: 'boolean?',
};
const TLS_OPTIONS: Readonly<Record<keyof TlsOptions, true>> = { ca: true, cert: true, key: true, minVersion: true, servername: true };

/** Refuses options of a client that are not known, by an `UpstreamOptionError` with the nearest name, and those of another type. */
export function checkOptions(options: UpstreamClientOptions): void {
  refuseUnknown(options, { ...CLIENT_OPTIONS, origin: true, proxy: true } satisfies Record<keyof UpstreamClientOptions, unknown>);
  refuseWrong(options, CLIENT_OPTIONS);
  refuseUnknown(options.tls ?? {}, TLS_OPTIONS);
}

/** Refuses options that are not known or have another type, by an `UpstreamOptionError`. */
export function checkTypes(options: object, types: Readonly<Record<string, OptionType>>): void {
  refuseUnknown(options, types);
  refuseWrong(options, types);
}

function refuseWrong(options: object, types: Readonly<Record<string, OptionType>>): void {
  const wrong = describeWrongOption(options, types);
  if (wrong !== undefined) throw new UpstreamOptionError('invalid_option', wrong);
}

/** Refuses options that are not known, by an `UpstreamOptionError` with the nearest name. */
export function refuseUnknown(options: object, known: object): void {
  const problem = describeUnknownOption(options, known);
  if (problem !== undefined) throw new UpstreamOptionError('unknown_option', problem);
}

function integer(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new UpstreamOptionError('invalid_option', `${name} must be a ${least === 0 ? 'non-negative' : 'positive'} integer, received ${String(value)}`);
}

function span(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= MAX_TIMER_MS) return value;
  throw new UpstreamOptionError('invalid_option', `${name} must be a positive number of milliseconds up to ${MAX_TIMER_MS}, received ${String(value)}`);
}

function share(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw new UpstreamOptionError('invalid_option', `${name} must be a number above 0 and at most 1, received ${String(value)}`);
}

/** Fills in and checks pool numbers; throws an `UpstreamOptionError` that names the option, the expectation and what was received. */
export function resolvePool(pool: PoolOptions = {}, base: ResolvedPool = DEFAULT_POOL): ResolvedPool {
  refuseUnknown(pool, DEFAULT_POOL);
  const maxConnections = integer('maxConnections', pool.maxConnections ?? base.maxConnections, 1);
  const kept = integer('maxKeepAliveConnections', pool.maxKeepAliveConnections ?? Math.min(base.maxKeepAliveConnections, maxConnections), 0);
  if (kept > maxConnections) throw new UpstreamOptionError('invalid_option', `maxKeepAliveConnections must not exceed maxConnections (${maxConnections}), received ${kept}`);
  return Object.freeze({
    maxConnections,
    maxKeepAliveConnections: kept,
    keepAliveExpiryMs: span('keepAliveExpiryMs', pool.keepAliveExpiryMs ?? base.keepAliveExpiryMs),
    maxWaiting: integer('maxWaiting', pool.maxWaiting ?? base.maxWaiting, 0),
    longLivedShare: share('longLivedShare', pool.longLivedShare ?? base.longLivedShare),
  });
}

/** Fills in and checks clocks; throws an `UpstreamOptionError` like `resolvePool`. */
export function resolveTimeouts(timeouts: Partial<RequestTimeouts> = {}, base: RequestTimeouts = DEFAULT_TIMEOUTS): RequestTimeouts {
  refuseUnknown(timeouts, DEFAULT_TIMEOUTS);
  return Object.freeze({
    slotWaitMs: span('slotWaitMs', timeouts.slotWaitMs ?? base.slotWaitMs),
    connectMs: span('connectMs', timeouts.connectMs ?? base.connectMs),
    writeStallMs: span('writeStallMs', timeouts.writeStallMs ?? base.writeStallMs),
    headersMs: span('headersMs', timeouts.headersMs ?? base.headersMs),
    idleMs: span('idleMs', timeouts.idleMs ?? base.idleMs),
  });
}

/** Fills in and checks response limits; throws an `UpstreamOptionError` like `resolvePool`. */
export function resolveLimits(limits: ResponseLimits = {}): ResolvedLimits {
  refuseUnknown(limits, DEFAULT_LIMITS);
  return Object.freeze({
    maxHeadBytes: integer('maxHeadBytes', limits.maxHeadBytes ?? DEFAULT_LIMITS.maxHeadBytes, 1),
    maxHeaderBytes: integer('maxHeaderBytes', limits.maxHeaderBytes ?? DEFAULT_LIMITS.maxHeaderBytes, 1),
    maxHeaders: integer('maxHeaders', limits.maxHeaders ?? DEFAULT_LIMITS.maxHeaders, 1),
    maxInformational: integer('maxInformational', limits.maxInformational ?? DEFAULT_LIMITS.maxInformational, 0),
  });
}

/** Checks that `origin` is an http or https origin and nothing more: no path, query, or credentials. */
export function resolveOrigin(origin: string | URL, name = 'origin'): URL {
  const url = URL.parse(String(origin));
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') {
    throw new UpstreamOptionError('invalid_option', `${name} must be an http: or https: origin, received ${url === null ? 'something that is no URL' : url.protocol}`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new UpstreamOptionError('invalid_option', `${name} must have no path, query, fragment or credentials, received one for ${url.origin}`);
  }
  return url;
}
