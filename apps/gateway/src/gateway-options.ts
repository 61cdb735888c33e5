import type { SqlDatabase } from '@penstock/claude-code-gateway';
import type { InboundLimits } from '@penstock/inbound-server';
import type { OptionType } from '@penstock/option-names';
import type { GroupNote } from '@penstock/upstream-group';
import type { BearerVerifier } from './access/identity/bearer-verifier.ts';
import type { KeyTiming } from './access/identity/issuer-keys.ts';
import type { Limiter, LimiterOptions } from './access/limits/limiter.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import type { WorkerShare } from './config/worker-share.ts';
import type { ProcessLogger } from './observe/log/create-logger.ts';
import type { TracingSettings } from './observe/trace/read-tracing-settings.ts';

/** What one gateway process is made from. */
export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly processLogger: ProcessLogger;
  readonly version: string;
  /** How this gateway names itself in `Via`; equal in all workers of one gateway. */
  readonly viaPseudonym: string;
  /** Which worker of how many this process is. @defaultValue the only one */
  readonly share?: WorkerShare;
  /** What the standard `OTEL_*` variables say. @defaultValue no tracing */
  readonly tracing?: TracingSettings | undefined;
  /** Makes the limits of one side; a test may look on. @defaultValue createLimiter */
  readonly makeLimiter?: (options: LimiterOptions) => Limiter;
  /** Judges the tokens of the gateway's own sign-in. @defaultValue sign-in itself, where it is configured */
  readonly signIn?: BearerVerifier;
  /** The store of sign-in and the ledger, closed with the gateway. @defaultValue opened from `state.store` */
  readonly database?: SqlDatabase;
  /** Gets what other workers have to know of upstreams and moved sessions. @defaultValue there are none */
  readonly shareNote?: ((note: GroupNote) => void) | undefined;
  /** Called once, when all is made and before the first connection is accepted. @defaultValue nothing */
  readonly beforeListening?: () => void;
  /** Shorter clocks for the keys of issuers, for tests. @defaultValue KEY_TIMING */
  readonly keyTiming?: Partial<KeyTiming>;
  /** Shorter inbound clocks, for tests. @defaultValue DEFAULT_INBOUND_LIMITS */
  readonly inboundLimits?: Partial<InboundLimits>;
}

/** The type of each option. */
export const GATEWAY_OPTION_TYPES: Readonly<Record<keyof GatewayOptions, OptionType>> = Object.freeze({
  config: 'object', processLogger: 'object', version: 'string', viaPseudonym: 'string', share: 'object?', tracing: 'object?', makeLimiter: 'function?', signIn: 'object?',
  database: 'object?', shareNote: 'function?', beforeListening: 'function?', keyTiming: 'object?', inboundLimits: 'object?',
});

/** The type of each section of `config`. What a section holds is checked by `loadConfig`. */
export const CONFIG_SECTION_TYPES: Readonly<Record<keyof GatewayConfig, OptionType>> = Object.freeze({
  $schema: 'string?', server: 'object', operations: 'object', anthropic_native: 'object', clients: 'list', identity: 'object', policies: 'list', budgets: 'list', admin: 'object',
  prices: 'list', state: 'object', telemetry: 'object', limits: 'object', log: 'object', openai_front_door: 'object', bedrock: 'object?', vertex: 'object?',
});
