import { estimateTextBytes, type RequestSpending } from '../cost/cost-of-request.ts';
import type { PipedRoute } from './pipe-runtime.ts';

/** The part of an exchange that is read here. */
export interface SpendingExchange {
  readonly route: PipedRoute | undefined;
  readonly headAt: number | undefined;
  readonly sentAt: number | undefined;
  readonly status: number;
  readonly estimatedInput: number;
  readonly maxTokens: number | undefined;
  readonly isEventStream: boolean;
  readonly responseBytes: number;
  readonly usage: { readonly textBytes?: number } | undefined;
}

/** What the cost of a request is estimated from where its response does not report all tokens. `headAt` is set only when the upstream's head came; `status` is then the upstream's. */
export function spendingOf(exchange: SpendingExchange): RequestSpending | undefined {
  const { route, headAt, sentAt } = exchange;
  if (route?.reportsUsage !== true) return undefined;
  return {
    upstreamStatus: headAt === undefined ? undefined : exchange.status,
    wasSent: sentAt !== undefined,
    estimatedInput: exchange.estimatedInput,
    textBytes: exchange.usage?.textBytes ?? estimateTextBytes(exchange.responseBytes, exchange.isEventStream),
    outputBound: outputBoundOf(route, exchange),
  };
}

/** The body of an unknown route is not read, and may not be for a model: only an event stream shows that a model wrote. */
export function outputBoundOf(route: PipedRoute, { maxTokens, isEventStream }: Pick<SpendingExchange, 'maxTokens' | 'isEventStream'>): number {
  if (route.body === 'json' || isEventStream) return maxTokens ?? Number.POSITIVE_INFINITY;
  return 0;
}
