import { createUpstreamClient } from '@penstock/upstream-client';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { expect, it } from 'vitest';
import { declaredMetrics, samplesOf } from './exposition.ts';
import { createTestMetrics, STREAMED_MESSAGE } from './request-records.ts';

/** What dashboards and alerts of others are built on: a name or a label that changes breaks them without a word. Labels but for `le`. */
const CONTRACT: Readonly<Record<string, readonly [type: string, ...labels: string[]]>> = {
  penstock_upstream_pool_connections: ['gauge', 'upstream', 'origin', 'state'],
  penstock_upstream_pool_max_connections: ['gauge', 'upstream', 'origin'],
  penstock_upstream_pool_waiting: ['gauge', 'upstream', 'origin', 'client'],
  penstock_upstream_pool_held: ['gauge', 'upstream', 'origin', 'client'],
  penstock_upstream_pool_acquire_seconds: ['histogram', 'upstream', 'origin'],
  penstock_upstream_pool_acquisitions_total: ['counter', 'upstream', 'origin', 'source'],
  penstock_upstream_pool_rejections_total: ['counter', 'upstream', 'origin', 'reason'],
  penstock_upstream_connect_seconds: ['histogram', 'upstream', 'origin'],
  penstock_upstream_connect_errors_total: ['counter', 'upstream', 'origin', 'reason'],
  penstock_upstream_connections_closed_total: ['counter', 'upstream', 'origin', 'reason'],
  penstock_requests_total: ['counter', 'side', 'route', 'method', 'status', 'outcome', 'fault', 'client'],
  penstock_request_seconds: ['histogram', 'side', 'route', 'stream'],
  penstock_requests_in_flight: ['gauge', 'side', 'client'],
  penstock_oldest_request_seconds: ['gauge', 'side'],
  penstock_time_to_first_byte_seconds: ['histogram', 'side', 'route', 'stream'],
  penstock_model_time_to_first_byte_seconds: ['histogram', 'side', 'model'],
  penstock_overhead_seconds: ['histogram', 'side'],
  penstock_streams_open: ['gauge', 'side'],
  penstock_streams_without_stop_total: ['counter', 'side'],
  penstock_stream_gap_seconds: ['histogram', 'side'],
  penstock_relay_bytes_total: ['counter', 'side', 'direction'],
  penstock_headers_dropped_total: ['counter', 'direction', 'reason'],
  penstock_tokens_total: ['counter', 'side', 'model', 'client', 'type'],
  penstock_usage_total: ['counter', 'side', 'source'],
  penstock_cost_dollars_total: ['counter', 'side', 'upstream', 'model', 'client'],
  penstock_unpriced_requests_total: ['counter', 'side', 'upstream', 'model'],
  penstock_anthropic_ratelimit_remaining: ['gauge', 'upstream', 'limit'],
  penstock_anthropic_ratelimit_limit: ['gauge', 'upstream', 'limit'],
  penstock_limit_rejections_total: ['counter', 'client', 'limit'],
  penstock_observer_errors_total: ['counter'],
  penstock_draining: ['gauge'],
  penstock_build_info: ['gauge', 'version', 'node_version'],
};

/** The values of the labels that are closed sets, all of them there before anything happened. */
const CLOSED_SETS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  penstock_upstream_pool_connections: { state: ['active', 'idle', 'connecting'], upstream: ['native'] },
  penstock_upstream_pool_acquisitions_total: { source: ['reused', 'new', 'queued'] },
  penstock_upstream_pool_rejections_total: { reason: ['timeout', 'queue_full', 'draining'] },
  penstock_requests_total: { side: ['native', 'front_door'], client: ['unauthenticated', 'anonymous', 'alice'] },
  penstock_tokens_total: { type: ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] },
  penstock_usage_total: { source: ['final', 'partial', 'missing'] },
  penstock_relay_bytes_total: { direction: ['request', 'response'] },
};

async function expose(records: boolean): Promise<string> {
  const metrics = createTestMetrics();
  await using client = createUpstreamClient({ origin: 'http://127.0.0.1:9' });
  registerUpstreamMetrics({ registry: metrics.registry, clients: { native: client } });
  if (records) metrics.recordRequest(STREAMED_MESSAGE);
  if (records) metrics.quotaSeen(['requests', 'tokens', 'input-tokens', 'output-tokens'].flatMap((name) => ['limit', 'remaining'].flatMap((kind) => [`anthropic-ratelimit-${name}-${kind}`, '1'])));
  return metrics.registry.metrics();
}

function samplesFor(text: string, name: string): string[] {
  return samplesOf(text).filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line));
}

const valuesOf = (lines: readonly string[], label: string): Set<string> => new Set(lines.flatMap((line) => new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? []));

it.each(Object.entries(CONTRACT))('%s keeps its name, its type and its labels', async (name, [type, ...labels]) => {
  const text = await expose(true);
  expect(declaredMetrics(text).get(name)).toBe(type);
  const samples = samplesFor(text, name);
  expect(samples.length).toBeGreaterThan(0);
  for (const line of samples) {
    const found = Array.from(line.matchAll(/[{,](\w+)="/g), ([, label = '']) => label).filter((label) => label !== 'le');
    expect(found.toSorted(), line).toEqual(labels.toSorted());
  }
});

it.each(Object.entries(CLOSED_SETS))('%s has the values of its closed labels', async (name, sets) => {
  // Tokens are known by model and client only when they were used.
  const samples = samplesFor(await expose(name === 'penstock_tokens_total'), name);
  for (const [label, values] of Object.entries(sets)) expect(valuesOf(samples, label)).toEqual(new Set(values));
});

it('the quota has the limits that the API names', async () => {
  expect(valuesOf(samplesFor(await expose(true), 'penstock_anthropic_ratelimit_remaining'), 'limit')).toEqual(new Set(['requests', 'tokens', 'input_tokens', 'output_tokens']));
});
