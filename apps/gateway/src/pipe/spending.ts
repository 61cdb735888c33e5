import type { UsageObserver } from '@penstock/anthropic-usage';
import type { UpstreamExchange } from '@penstock/proxy';
import type { Person } from '../access/identity/principal.ts';
import { estimateTextBytes, type RequestSpending } from '../cost/cost-of-request.ts';
import type { OpenSpending } from '../request/described-request.ts';
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

/** The part of an exchange that is read here while its response is open. */
export interface OpenSpendingExchange extends Pick<SpendingExchange, 'route' | 'estimatedInput' | 'maxTokens'> {
  readonly inbound: { readonly response: { readonly statusCode: number } };
  readonly client: string;
  readonly person: Person | undefined;
  readonly upstream: string | undefined;
  readonly requestedModel: string | undefined;
  /** The id that was sent upstream, where it is not the one asked for. */
  readonly upstreamModel?: string | undefined;
  readonly observer: Pick<UsageObserver, 'result'> | undefined;
  readonly relayed: Pick<UpstreamExchange<never>, 'handler'> | undefined;
}

/** What an open event stream would be charged if it were cut now; `undefined` for any other request. */
export function openSpendingOf({ inbound, client, person, upstream, route, requestedModel, upstreamModel, observer, relayed, estimatedInput, maxTokens }: OpenSpendingExchange): OpenSpending | undefined {
  if (observer === undefined || relayed === undefined || route === undefined) return undefined;
  const { isEventStream, bodyBytes } = relayed.handler.progress();
  if (!isEventStream || inbound.response.statusCode >= 400) return undefined;
  const { usage, source, model, textBytes = estimateTextBytes(bodyBytes, isEventStream) } = observer.result();
  return {
    client, person,
    request: {
      upstream, outcome: 'ok', usage, source, model, upstreamModel, requestedModel,
      spending: { upstreamStatus: inbound.response.statusCode, wasSent: true, estimatedInput, textBytes, outputBound: outputBoundOf(route, { maxTokens, isEventStream }) },
    },
  };
}

/** The body of an unknown route is not read, and may not be for a model: only an event stream shows that a model wrote. */
export function outputBoundOf(route: PipedRoute, { maxTokens, isEventStream }: Pick<SpendingExchange, 'maxTokens' | 'isEventStream'>): number {
  if (route.body === 'json' || isEventStream) return maxTokens ?? Number.POSITIVE_INFINITY;
  return 0;
}
