import '@penstock/option-names/supported-node';
export { createUpstreamClient } from './create-upstream-client.ts';
export { proxyFromEnvironment } from './connect/proxy-from-environment.ts';
export type { CloseOptions, UpstreamClient } from './upstream-client.ts';
export type { FlushedBody, LongLived, RequestTimings, UpstreamBody, UpstreamController, UpstreamDispatchOptions, UpstreamHandler } from './dispatch-options.ts';
export {
  DEFAULT_LIMITS, DEFAULT_POOL, DEFAULT_TIMEOUTS,
  type BodyCheck, type CreateBodyCheck, type PoolOptions, type RequestTimeouts, type ResolvedLimits, type ResolvedPool, type ResponseLimits, type TlsOptions, type UpstreamClientOptions,
} from './options.ts';
export { retry, RETRY_ERROR_CODES, type RetryOptions } from './undici/retry.ts';
export { isUpstreamOptionError, UPSTREAM_OPTION_ERROR_CODES, UpstreamOptionError, type UpstreamOptionErrorCode } from './upstream-option-error.ts';
export {
  isUpstreamError, REQUEST_PHASES, UPSTREAM_ERROR_CODES, UpstreamError,
  type RequestPhase, type UpstreamErrorCode, type UpstreamErrorInit,
} from './upstream-error.ts';
export {
  ACQUISITION_SOURCES, CONNECT_FAILURE_REASONS, DISCONNECT_REASONS, REJECTION_REASONS,
  type AcquisitionSource, type ClientSlotStats, type ConnectFailureReason, type DisconnectReason, type RejectionReason, type UpstreamClientEvents, type UpstreamStats,
} from './upstream-events.ts';
