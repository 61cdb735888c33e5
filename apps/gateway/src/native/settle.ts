import { performance } from 'node:perf_hooks';
import type { RequestRecord } from '../request-record.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { UNMATCHED_TEMPLATE } from './route-table.ts';

/** Phase 9. Gives back what the request holds and records it; runs once, whatever happened. */
export function settle(runtime: NativeRuntime, exchange: NativeExchange): void {
  const { inbound } = exchange;
  exchange.bytes?.release();
  if (exchange.uploadBytes !== undefined) exchange.requestBytes = exchange.uploadBytes();
  chargeTokens(exchange);
  exchange.limits?.release();
  runtime.health.note(exchange.outcome);
  runtime.metrics.requestEnded('native');
  const record = toRecord(exchange, performance.now());
  runtime.metrics.recordRequest(record);
  inbound.trace?.end(record, exchange);
  runtime.log.requestEnded(inbound, record, exchange);
}

/** A response whose usage nobody could read charges what the request allowed, or the limit would not hold. */
function chargeTokens(exchange: NativeExchange): void {
  if (exchange.limits === undefined || exchange.usage === undefined) return;
  const { usage, source } = exchange.usage;
  const inputTokens = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  const isUnreadable = source === 'missing' && exchange.status === 200;
  exchange.limits.charge({ inputTokens, outputTokens: isUnreadable ? exchange.maxTokens ?? 0 : usage.output });
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
