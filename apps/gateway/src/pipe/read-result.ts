import type { RelayResult } from '@penstock/sse-relay';
import { ClientGone, GatewayError } from '../request/gateway-error.ts';
import { outcomeOfBreak } from './classify-failure.ts';
import type { PipedExchange } from './piped-exchange.ts';
import type { PipeRuntime } from './pipe-runtime.ts';
import { UPSTREAM_TITLES } from '../request/upstream-titles.ts';

/** The end of phase 8: reads how the relay ended into the exchange. Throws what the client is to be answered when nothing was written. */
export function readResult(runtime: PipeRuntime, exchange: PipedExchange, result: RelayResult): void {
  if (exchange.isStreamOpen) runtime.metrics.streamClosed(exchange.side);
  const usage = exchange.observer?.result();
  if (usage !== undefined && result.headSent) exchange.usage = usage;
  exchange.failure = result.error;
  readTimings(exchange, result);
  if (!result.headSent) throw failureOf(exchange, result);
  exchange.status = result.status ?? exchange.inbound.response.statusCode;
  exchange.responseBytes = result.bodyBytes;
  exchange.isEventStream = result.isEventStream;
  if (result.isEventStream) exchange.largestGapMs = result.largestGapMs;
  exchange.outcome = outcomeOf(exchange, result, usage?.sawErrorEvent === true);
}

function failureOf(exchange: PipedExchange, { how, error }: RelayResult): unknown {
  if (how === 'client_gone') return new ClientGone();
  if (how === 'refused' && exchange.isCredentialRefused) return new GatewayError('upstream_credential', `${UPSTREAM_TITLES[exchange.side].atStart} refused the credential of this gateway, not yours: the operator of the gateway has to replace it.`, { cause: error });
  return exchange.uploadFailure?.() ?? error;
}

function readTimings(exchange: PipedExchange, result: RelayResult): void {
  exchange.headAt = result.headAt;
  const timings = exchange.relayed?.timings;
  if (timings?.acquiredAt === undefined) return;
  exchange.sentAt = timings.sentAt;
  exchange.slotWaitMs = timings.acquiredAt - timings.enqueuedAt;
  if (timings.connectedAt !== undefined) exchange.connectMs = Math.max(0, timings.connectedAt - timings.acquiredAt);
  if (timings.sentAt !== undefined && timings.headAt !== undefined) exchange.upstreamHeadMs = timings.headAt - timings.sentAt;
}

function outcomeOf(exchange: PipedExchange, result: RelayResult, sawErrorEvent: boolean): PipedExchange['outcome'] {
  switch (result.how) {
    case 'client_gone': return 'client_gone';
    case 'client_stalled': return 'client_stalled';
    case 'interrupted': return 'draining';
    case 'complete': return exchange.isCredentialRefused ? 'upstream_credential_refused' : exchange.status >= 400 ? 'upstream_error' : sawErrorEvent ? 'stream_error_event' : 'ok';
    default: return outcomeOfBreak(result.error);
  }
}
