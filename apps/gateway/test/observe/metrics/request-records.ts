import { createGatewayMetrics, type GatewayMetrics, type GatewayMetricsOptions } from '../../../src/observe/metrics/create-gateway-metrics.ts';
import type { OpenRequest } from '../../../src/request/open-requests.ts';
import type { RequestRecord } from '../../../src/request/request-record.ts';

/** A streamed message that went well. */
export const STREAMED_MESSAGE: RequestRecord = {
  side: 'native', requestId: 'pen_1', route: '/anthropic/v1/messages', method: 'POST', status: 200, outcome: 'ok', client: 'alice',
  durationMs: 1_200, timeToFirstByteMs: 400, overheadMs: 0.4, largestGapMs: 90, isEventStream: true, sawStop: true,
  requestBytes: 100, responseBytes: 2_000, upstream: 'native', model: 'claude-opus-4-8',
  cost: { nanoDollars: 131_500n, isEstimated: false, isPriceKnown: true, model: 'claude-opus-4-8', tokens: { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 }, webSearches: 0 },
  usage: { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 }, usageSource: 'final',
};

/** A request that is open. */
export function openRequest(client = 'alice', startedAt = performance.now()): OpenRequest {
  return { id: `pen_${client}`, client, startedAt, older: undefined, newer: undefined };
}

/** Metrics of a small gateway: one client, one route a side. */
export function createTestMetrics(options: Partial<GatewayMetricsOptions> = {}): GatewayMetrics {
  return createGatewayMetrics({
    clientNames: ['alice'], version: '1.2.3', dropReasons: ['credential', 'hop_by_hop'],
    routes: { native: ['/anthropic/v1/messages', '/anthropic/v1/models'], front_door: ['/v1/chat/completions'] },
    ...options,
  });
}
