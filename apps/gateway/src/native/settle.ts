import { performance } from 'node:perf_hooks';
import { chargeTokens } from '../access/limits/charge-tokens.ts';
import type { RequestRecord } from '../request/request-record.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { UNMATCHED_TEMPLATE, type NativeRoute } from './route-table.ts';

/** Phase 9. Gives back what the request holds and records it; runs once, whatever happened. */
export function settle(runtime: NativeRuntime, exchange: NativeExchange): void {
  const { inbound } = exchange;
  exchange.bytes?.release();
  if (exchange.uploadBytes !== undefined) exchange.requestBytes = exchange.uploadBytes();
  const endedAt = performance.now();
  try {
    settleTokens(runtime, exchange, endedAt);
  } finally {
    exchange.limits?.release();
  }
  runtime.health.note(exchange.outcome);
  runtime.metrics.requestEnded('native');
  const record = toRecord(exchange, endedAt);
  runtime.metrics.recordRequest(record);
  inbound.trace?.end(record, exchange);
  runtime.log.requestEnded(inbound, record, exchange);
}

/** The upstream's head as far as limits are concerned: `headAt` is there only when it came, and then the status is the upstream's. */
function settleTokens(runtime: NativeRuntime, exchange: NativeExchange, endedAt: number): void {
  const { limits, usage, route, outcome, headAt, sentAt } = exchange;
  if (limits === undefined || route?.reportsUsage !== true) return;
  chargeTokens(limits, {
    outcome,
    upstreamStatus: headAt === undefined ? undefined : exchange.status,
    workedMs: sentAt === undefined ? undefined : (headAt ?? endedAt) - sentAt,
    isStream: exchange.isEventStream || (headAt === undefined && exchange.wantsStream),
    // An answer that was cut may not have named its model.
    model: exchange.requestedModel ?? usage?.model, usage: usage?.usage, source: usage?.source, textBytes: usage?.textBytes,
    outputBound: outputBoundOf(route, exchange),
    estimatedInput: exchange.estimatedInput,
  }, runtime.limiter.ratios);
}

/** A request of an unknown route was not read, and need not have been for a model: only a stream of text shows that one wrote. */
function outputBoundOf(route: NativeRoute, { maxTokens, isEventStream }: NativeExchange): number {
  if (route.body === 'json' || isEventStream) return maxTokens ?? Number.POSITIVE_INFINITY;
  return 0;
}

function toRecord(exchange: NativeExchange, endedAt: number): RequestRecord {
  const { inbound, usage } = exchange;
  const record: { -readonly [Key in keyof RequestRecord]: RequestRecord[Key] } = {
    side: 'native',
    requestId: inbound.id,
    route: exchange.route?.template ?? UNMATCHED_TEMPLATE,
    method: inbound.method,
    status: exchange.status,
    outcome: exchange.outcome,
    client: exchange.client,
    durationMs: endedAt - inbound.startedAt,
    isEventStream: exchange.isEventStream,
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
  };
  if (exchange.headAt !== undefined) {
    record.timeToFirstByteMs = exchange.headAt - inbound.startedAt;
    record.overheadMs = overheadOf(exchange, record.timeToFirstByteMs);
  }
  if (exchange.requestedModel !== undefined) record.requestedModel = exchange.requestedModel;
  if (exchange.largestGapMs !== undefined) record.largestGapMs = exchange.largestGapMs;
  if (usage !== undefined) {
    if (exchange.isEventStream) record.sawStop = usage.sawStop;
    if (usage.model !== undefined) record.model = usage.model;
    record.usage = usage.usage;
    record.usageSource = usage.source;
  }
  return record;
}

/** The time to first byte without what we waited for others: the body, a slot, a connection, the upstream. */
function overheadOf(exchange: NativeExchange, timeToFirstByteMs: number): number {
  const receiving = (exchange.receivedAt ?? exchange.inbound.startedAt) - exchange.inbound.startedAt;
  const waited = receiving + (exchange.slotWaitMs ?? 0) + (exchange.connectMs ?? 0) + (exchange.upstreamHeadMs ?? 0);
  return Math.max(0, timeToFirstByteMs - waited);
}
