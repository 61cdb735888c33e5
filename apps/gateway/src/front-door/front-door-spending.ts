import type { RequestSummary, StreamProgress } from '@penstock/openai-front-door';
import { matchesGlob } from '../access/clients/matches-glob.ts';
import type { TokenRatios } from '../access/limits/token-ratios.ts';
import { estimateTextBytes, type RequestSpending } from '../cost/cost-of-request.ts';
import type { ModelRuleConfig } from '../config/sections/front-door-section.ts';
import type { TokenCharge } from '../observe/request-observer.ts';
import type { OpenSpending } from '../request/described-request.ts';
import type { FrontDoorCaller, FrontDoorCost } from './admit-client.ts';

/** An answer is charged as on the native side; requests that no model answers cost nothing. */
export function chargeOf({ lease, cost }: FrontDoorCaller, summary: RequestSummary, ratios: TokenRatios, maxOutputTokens: number): TokenCharge | undefined {
  if (lease === undefined || (cost === undefined && summary.usage === undefined)) return undefined;
  const { upstreamStatus, sentMs, firstByteMs, durationMs, isEventStream, model, textBytes = summary.responseBytes } = summary;
  return {
    lease, ratios, upstreamStatus, model: cost?.model ?? model, textBytes, isStream: isEventStream || (upstreamStatus === undefined && cost?.stream === true),
    workedMs: sentMs === undefined ? undefined : (firstByteMs ?? durationMs) - sentMs,
    outputBound: outputBoundOf(cost, summary, maxOutputTokens),
    estimatedInput: cost?.estimatedInput ?? 0,
  };
}

/** What the cost of an answer is estimated from where it does not report its tokens; `undefined` for requests that no model answers. */
export function spendingOf({ cost }: FrontDoorCaller, summary: RequestSummary, maxOutputTokens: number): RequestSpending | undefined {
  if (cost === undefined) return undefined;
  const { upstreamStatus, sentMs, textBytes, isEventStream, responseBytes } = summary;
  return {
    upstreamStatus, wasSent: sentMs !== undefined,
    estimatedInput: cost.estimatedInput,
    textBytes: textBytes ?? estimateTextBytes(responseBytes, isEventStream),
    outputBound: outputBoundOf(cost, summary, maxOutputTokens),
  };
}

/**
 * An answer that is no event stream may be pictures or sound: it is no more than its request was admitted for. The text of a stream that was measured is
 * what it is: an origin that does not know the name of a bound, or does not keep it, wrote more than the client asked for.
 */
function outputBoundOf(cost: FrontDoorCost | undefined, { isEventStream, textBytes }: RequestSummary, maxOutputTokens: number): number {
  if (isEventStream && textBytes !== undefined) return Number.POSITIVE_INFINITY;
  return (cost?.maxTokens ?? (isEventStream ? Number.POSITIVE_INFINITY : maxOutputTokens)) * (cost?.choices ?? 1);
}

/** The id that was sent upstream where the client asked by another name; `undefined` where the answer named its model, which is known better. */
export function upstreamModelOf(rules: readonly ModelRuleConfig[], { model, requestedModel }: Pick<RequestSummary, 'model' | 'requestedModel'>): string | undefined {
  if (model !== undefined || requestedModel === undefined) return undefined;
  return rules.find((rule) => matchesGlob(rule.model, requestedModel))?.upstream_model;
}

/** What an open stream would be charged if it were cut now; `undefined` for requests that no model answers. */
export function openSpendingOf({ cost, name, person, open }: FrontDoorCaller, { model, usage, textBytes = 0 }: StreamProgress, rules: readonly ModelRuleConfig[]): OpenSpending | undefined {
  if (cost === undefined || open.backend === undefined) return undefined;
  const requestedModel = cost.model;
  return {
    client: name, person,
    request: {
      upstream: `front_door_${open.backend}`, outcome: 'ok', usage, source: usage === undefined ? 'missing' : 'partial', model, requestedModel,
      upstreamModel: upstreamModelOf(rules, { ...(model === undefined ? {} : { model }), ...(requestedModel === undefined ? {} : { requestedModel }) }),
      spending: { upstreamStatus: 200, wasSent: true, estimatedInput: cost.estimatedInput, textBytes, outputBound: Number.POSITIVE_INFINITY },
    },
  };
}
