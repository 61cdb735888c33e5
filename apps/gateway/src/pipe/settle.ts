import { performance } from 'node:perf_hooks';
import type { TokenCharge } from '../observe/request-observer.ts';
import type { PipedExchange } from './piped-exchange.ts';
import type { PipeRuntime } from './pipe-runtime.ts';
import { outputBoundOf } from './spending.ts';

/** Phase 9. Releases what the request holds and reports its end; runs once, whatever happened. */
export function settle(runtime: PipeRuntime, exchange: PipedExchange): void {
  exchange.bytes?.release();
  if (exchange.uploadBytes !== undefined) exchange.requestBytes = exchange.uploadBytes();
  exchange.overheadMs = overheadOf(exchange);
  exchange.served?.state.ended(exchange.outcome, exchange.status, exchange.credentialGeneration);
  runtime.metrics.requestEnded(exchange.side, exchange.inbound);
  try {
    exchange.charge = chargeOf(runtime, exchange);
    runtime.observer.settled(exchange.inbound, exchange);
  } finally {
    exchange.limits?.release();
  }
}

/** `headAt` is set only when the upstream's head came; `status` is then the upstream's. */
function chargeOf(runtime: PipeRuntime, exchange: PipedExchange): TokenCharge | undefined {
  const { limits, usage, route, headAt, sentAt } = exchange;
  if (limits === undefined || route?.reportsUsage !== true) return undefined;
  return {
    lease: limits, ratios: runtime.limiter.ratios,
    upstreamStatus: headAt === undefined ? undefined : exchange.status,
    workedMs: sentAt === undefined ? undefined : (headAt ?? performance.now()) - sentAt,
    isStream: exchange.isEventStream || (headAt === undefined && exchange.wantsStream),
    // An answer that was cut may not have named its model.
    model: exchange.requestedModel ?? usage?.model,
    textBytes: usage?.textBytes,
    outputBound: outputBoundOf(route, exchange),
    estimatedInput: exchange.estimatedInput,
  };
}

/** The time to first byte without the waits for the body, a slot, a connection and the upstream; `undefined` when no head came. */
function overheadOf({ inbound, headAt, receivedAt, slotWaitMs, connectMs, upstreamHeadMs }: PipedExchange): number | undefined {
  if (headAt === undefined) return undefined;
  const receiving = (receivedAt ?? inbound.startedAt) - inbound.startedAt;
  return Math.max(0, headAt - inbound.startedAt - receiving - (slotWaitMs ?? 0) - (connectMs ?? 0) - (upstreamHeadMs ?? 0));
}
