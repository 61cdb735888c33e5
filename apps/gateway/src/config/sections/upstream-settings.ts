import { z } from 'zod';
import { count, seconds, share } from './field-kinds.ts';

/** The bounds of one upstream's connections, for the whole gateway. */
export interface PoolConfig {
  readonly max_connections: number;
  readonly max_keepalive_connections: number;
  readonly keepalive_expiry: number;
  readonly max_waiting: number;
  readonly long_lived_share: number;
}

/** The clocks of a request, in seconds. */
export interface TimeoutsConfig {
  readonly slot_wait: number;
  readonly connect: number;
  readonly write_stall: number;
  readonly quick_headers: number;
  readonly stream_headers: number;
  readonly message_headers: number;
  readonly idle: number;
  readonly client_stall: number;
}

/** The clocks of a native request. */
export interface NativeTimeoutsConfig extends TimeoutsConfig {
  readonly session_idle: number;
}

/** The clocks that one of several upstreams may have of its own; that of the client is no matter of an upstream. */
export type UpstreamTimeoutsConfig = Omit<NativeTimeoutsConfig, 'client_stall'>;

/** Those of them that it has. */
export type UpstreamTimeoutsSettings = { readonly [Clock in keyof UpstreamTimeoutsConfig]?: number | undefined };

/** `TimeoutsConfig` before `quick_headers` took its default from `timeout`. */
export type TimeoutsSettings = Omit<TimeoutsConfig, 'quick_headers'> & { readonly quick_headers?: number | undefined };

/** The same for `NativeTimeoutsConfig`. */
export type NativeTimeoutsSettings = Omit<NativeTimeoutsConfig, 'quick_headers'> & { readonly quick_headers?: number | undefined };

const DEFAULT_KEEPALIVE_CONNECTIONS = 10;

/** The schema of a `pool`. */
export const poolSection: z.ZodType<PoolConfig> = z.strictObject({
  max_connections: count(1, 100_000).default(20).describe('Connections to the upstream, all workers together. One open stream holds one: size it by expected open streams.'),
  max_keepalive_connections: count(0, 100_000).optional()
    .describe('Idle connections kept for reuse. At most `max_connections`; absent: the smaller of 10 and `max_connections`.'),
  keepalive_expiry: seconds().default(30).describe('Seconds after which an idle connection is closed.'),
  max_waiting: count(0, 1_000_000).default(100).describe('Requests that may wait for a connection; more are refused at once.'),
  long_lived_share: share().default(0.25)
    .describe('The part of `max_connections` (at least one) that streamed uploads, event streams of sessions and long polls hold together, and of `max_waiting` that may wait for it.'),
}, 'an object').transform((pool) => ({
  ...pool,
  max_keepalive_connections: pool.max_keepalive_connections ?? Math.min(DEFAULT_KEEPALIVE_CONNECTIONS, pool.max_connections),
}));

const clocks = {
  slot_wait: seconds().default(5).describe('From asking for a connection to having one.'),
  connect: seconds().default(10).describe('DNS, TCP and TLS together.'),
  write_stall: seconds().default(10).describe('Without progress while the request body is sent.'),
  quick_headers: seconds().optional().describe('From the request being sent to the response headers, for everything but messages. Absent: the value of `timeout`.'),
  stream_headers: seconds().default(300).describe('The same for messages with `stream: true`.'),
  message_headers: seconds().default(610).describe('The same for messages without.'),
  idle: seconds().default(120).describe('Between two bytes of a response, while the client reads.'),
  client_stall: seconds().default(120).describe('Without the client reading.'),
};

/** The schema of `timeouts`. */
export const timeoutsSection: z.ZodType<TimeoutsSettings> = z.strictObject(clocks, 'an object');

/** The schema of the native side's `timeouts`. */
export const nativeTimeoutsSection: z.ZodType<NativeTimeoutsSettings> = z.strictObject({
  ...clocks,
  session_idle: seconds().default(3600).describe('The same as `idle`, for event streams of sessions and long polls, which are silent while a session waits for a person.'),
}, 'an object');

/** The schema of `timeouts` of one of several upstreams: a clock that is absent is that of the native side. */
export const upstreamTimeoutsSection: z.ZodType<UpstreamTimeoutsSettings> = z.strictObject({
  slot_wait: seconds().optional().describe('As `anthropic_native.timeouts.slot_wait`, where it is tried first; a later try has at most what is left of that one.'),
  connect: seconds().optional().describe('As `anthropic_native.timeouts.connect`.'),
  write_stall: seconds().optional().describe('As `anthropic_native.timeouts.write_stall`.'),
  quick_headers: seconds().optional().describe('As `anthropic_native.timeouts.quick_headers`.'),
  stream_headers: seconds().optional().describe('As `anthropic_native.timeouts.stream_headers`.'),
  message_headers: seconds().optional().describe('As `anthropic_native.timeouts.message_headers`.'),
  idle: seconds().optional().describe('As `anthropic_native.timeouts.idle`.'),
  session_idle: seconds().optional().describe('As `anthropic_native.timeouts.session_idle`.'),
}, 'an object');

/** The clocks of the front door, whose backends are of two kinds. */
export interface FrontDoorTimeoutsConfig extends TimeoutsConfig {
  readonly openai_idle: number;
}

/** `FrontDoorTimeoutsConfig` before the defaults that other clocks give. */
export type FrontDoorTimeoutsSettings = TimeoutsSettings & { readonly openai_idle?: number | undefined };

/** The schema of the front door's `timeouts`. */
export const frontDoorTimeoutsSection: z.ZodType<FrontDoorTimeoutsSettings> = z.strictObject({
  ...clocks,
  openai_idle: seconds().optional()
    .describe('`idle` of backends of kind `openai`. They send no pings: a model that thinks, or a server that reads a long prompt, is as silent as before its first byte. Absent: the larger of `idle` and `stream_headers`.'),
}, 'an object');
