export { ACQUISITION_SOURCES, CONNECT_FAILURE_REASONS, DISCONNECT_REASONS, REJECTION_REASONS } from './observable-upstream.ts';
export type { ClientSlotStats, ObservableUpstream, UpstreamEvents, UpstreamStats } from './observable-upstream.ts';
export { registerUpstreamMetrics } from './register-upstream-metrics.ts';
export type { UpstreamMetrics, UpstreamMetricsOptions } from './register-upstream-metrics.ts';
export { isUpstreamMetricsError, UpstreamMetricsError } from './upstream-metrics-error.ts';
export type { UpstreamMetricsErrorCode } from './upstream-metrics-error.ts';
