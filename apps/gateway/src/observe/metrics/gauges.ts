import { Gauge, type GaugeConfiguration } from 'prom-client';

/**
 * How the samples of a gauge become one sample when they come from several workers: `sum` for parts of a whole (connections, memory, bytes,
 * requests), else the value of the worker that an alert must see.
 */
export type GaugeMerge = 'sum' | 'min' | 'max';

/** Every gauge of the gateway's own, with the merge of its workers' samples. `createGauge` takes no other name. */
export const GAUGE_MERGES = {
  penstock_requests_in_flight: 'sum',
  penstock_oldest_request_seconds: 'max',
  penstock_streams_open: 'sum',
  penstock_buffered_bytes: 'sum',
  penstock_buffered_bytes_limit: 'sum',
  penstock_draining: 'max',
  penstock_build_info: 'max',
  penstock_ledger_pending_requests: 'sum',
  penstock_ledger_behind: 'max',
  // The latest of all workers: one that was idle since knows of no success.
  penstock_last_success_timestamp_seconds: 'max',
  penstock_credential_refused_timestamp_seconds: 'max',
  // Of these the primary alone has samples.
  penstock_workers: 'sum',
  penstock_config_last_reload_successful: 'sum',
  penstock_config_last_reload_success_timestamp_seconds: 'sum',
  // Each worker knows the quota from its own responses; the least is the safe answer, while it is no history.
  penstock_anthropic_ratelimit_remaining: 'min',
  penstock_anthropic_ratelimit_limit: 'max',
  penstock_anthropic_ratelimit_reset_timestamp_seconds: 'max',
  penstock_anthropic_unified_utilization_ratio: 'max',
  penstock_anthropic_unified_status: 'max',
  penstock_anthropic_unified_reset_timestamp_seconds: 'max',
} as const;

/** A key of `GAUGE_MERGES`. */
export type GaugeName = keyof typeof GAUGE_MERGES;

/** Gauges that others declare: `@penstock/upstream-metrics`, and the process metrics of prom-client. */
const FOREIGN_GAUGE_MERGES: Readonly<Record<string, GaugeMerge>> = {
  penstock_upstream_pool_connections: 'sum',
  penstock_upstream_pool_max_connections: 'sum',
  penstock_upstream_pool_max_keepalive_connections: 'sum',
  penstock_upstream_pool_waiting: 'sum',
  penstock_upstream_pool_held: 'sum',
  penstock_upstream_pool_oldest_wait_seconds: 'max',
  penstock_upstream_pool_max_waiting: 'sum',
  // The age of the youngest process shows a crash loop.
  process_start_time_seconds: 'max',
  process_resident_memory_bytes: 'sum',
  process_virtual_memory_bytes: 'sum',
  process_heap_bytes: 'sum',
  process_open_fds: 'sum',
  process_max_fds: 'sum',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_min_seconds: 'max',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_eventloop_lag_mean_seconds: 'max',
  nodejs_eventloop_lag_stddev_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
  nodejs_active_resources: 'sum',
  nodejs_active_handles: 'sum',
  nodejs_active_requests: 'sum',
  nodejs_heap_size_total_bytes: 'sum',
  nodejs_heap_size_used_bytes: 'sum',
  nodejs_external_memory_bytes: 'sum',
  nodejs_heap_space_size_total_bytes: 'sum',
  nodejs_heap_space_size_used_bytes: 'sum',
  nodejs_heap_space_size_available_bytes: 'sum',
  nodejs_version_info: 'max',
};

const MERGES: ReadonlyMap<string, GaugeMerge> = new Map<string, GaugeMerge>(Object.entries({ ...GAUGE_MERGES, ...FOREIGN_GAUGE_MERGES }));

/** The merge of a gauge by its name; `undefined` for an unknown one (a test fails for each that a gateway exposes). */
export function mergeOfGauge(name: string): GaugeMerge | undefined {
  return MERGES.get(name);
}

/** Declares a gauge of the gateway's own. */
export function createGauge<Label extends string>(options: GaugeConfiguration<Label> & { readonly name: GaugeName }): Gauge<Label> {
  return new Gauge(options);
}
