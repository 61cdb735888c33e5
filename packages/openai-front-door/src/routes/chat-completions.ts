import type { AnthropicBackend, BackendResponse } from '../backend.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { capabilitiesUnder } from '../models/model-capabilities.ts';
import type { ResolvedModel } from '../models/model-map.ts';
import { member, type JsonObject } from '../request/json-value.ts';
import { parseJsonRequest, requireModel } from '../request/parse-chat-request.ts';
import { parseJsonExactly } from '../request/parse-json.ts';
import { translateRequest, type TranslatedRequest } from '../request/translate-request.ts';
import { ignoredParamsHeader, translateResponseHeaders } from '../response/response-headers.ts';
import { translateMessage } from '../response/translate-message.ts';
import { anthropicRequest, versionOf } from './anthropic-request.ts';
import { answerJson, answerUpstreamError, hasMediaType } from './answer-upstream.ts';
import type { Exchange } from './exchange.ts';
import { admitRequest, isAnthropic, readExchangeBody, recordRequestedModel, resolveModel, type FrontDoor } from './front-door.ts';
import { gatherBody } from './gather-body.ts';
import { sendAndAnswer, type Outbound } from './outbound.ts';
import { requireJsonContent } from './read-body.ts';
import { relayOutbound } from './relay.ts';
import { answerStream } from './stream-answer.ts';

/** How an answer is to be written: all that is kept of a request once it was sent. */
type AnswerWish = Omit<TranslatedRequest, 'body'>;

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function ignoredHeaders(wish: AnswerWish): readonly string[] {
  return wish.ignoredParams.length === 0 ? [] : ['x-penstock-ignored-params', ignoredParamsHeader(wish.ignoredParams)];
}

async function answerWhole(frontDoor: FrontDoor, exchange: Exchange, response: BackendResponse, wish: AnswerWish): Promise<void> {
  const text = (await gatherBody(response.body, frontDoor.limits.maxResponseBytes)).toString('utf8');
  let message: unknown;
  try {
    message = parseJsonExactly(text);
  } catch (error) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be read.', { cause: error });
  }
  const { completion, model, stopReason, usage } = translateMessage(message, { ...wish, created: nowSeconds() });
  const counts = usage.counts();
  exchange.record.outcome = 'ok';
  exchange.record.model = model;
  exchange.record.stopReason = stopReason;
  exchange.record.usageSource = usage.source();
  if (counts !== undefined) exchange.record.usage = counts;
  await answerJson(exchange, 200, [...translateResponseHeaders(response.rawHeaders, exchange.requestId), ...ignoredHeaders(wish)], completion);
}

async function answerStreamed(frontDoor: FrontDoor, exchange: Exchange, response: BackendResponse, wish: AnswerWish): Promise<void> {
  if (!hasMediaType(response, 'text/event-stream')) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is not an event stream.');
  }
  const { includeUsage, wantsReasoning, usesLegacyFunctions } = wish;
  const { maxEventChars, maxThinkingChars, keepAliveMs } = frontDoor.limits;
  await answerStream(exchange, {
    response, maxEventChars, keepAliveMs,
    settings: { includeUsage, wantsReasoning, usesLegacyFunctions, maxThinkingChars, created: nowSeconds() },
    headers: ignoredHeaders(wish),
  });
}

function answerWith(frontDoor: FrontDoor, exchange: Exchange, wish: AnswerWish): Outbound['answer'] {
  return (response) => {
    if (response.status !== 200) return answerUpstreamError(exchange, response);
    return wish.isStream ? answerStreamed(frontDoor, exchange, response, wish) : answerWhole(frontDoor, exchange, response, wish);
  };
}

async function prepareTranslated(frontDoor: FrontDoor, exchange: Exchange, request: JsonObject, resolved: ResolvedModel & { readonly origin: AnthropicBackend }): Promise<Outbound> {
  const { laterSystemMessages, jsonObjectFormat, reasoningContent, limits } = frontDoor;
  const capabilities = capabilitiesUnder(versionOf(resolved.origin), resolved.capabilities);
  const { body, ...wish } = translateRequest(request, { ...resolved, capabilities, laterSystemMessages, jsonObjectFormat, reasoningContent, maxRequestValues: limits.maxRequestValues });
  await admitRequest(frontDoor, exchange.ctx, {
    model: requireModel(request), maxTokens: wish.maxTokens, stream: wish.isStream, requestBytes: exchange.record.requestBytes,
  });
  return {
    to: { name: resolved.backend, backend: resolved.origin },
    request: anthropicRequest(exchange.ctx, resolved.origin, { method: 'POST', path: '/v1/messages', body, responseKind: wish.isStream ? 'event-stream' : 'message' }),
    answer: answerWith(frontDoor, exchange, wish),
  };
}

function boundOf(request: JsonObject): number | undefined {
  const bound = member(request, 'max_completion_tokens') ?? member(request, 'max_tokens');
  return typeof bound === 'number' ? bound : undefined;
}

async function prepare(frontDoor: FrontDoor, exchange: Exchange): Promise<Outbound> {
  const body = await readExchangeBody(frontDoor, exchange);
  const request = parseJsonRequest(body, frontDoor.limits.maxRequestValues);
  recordRequestedModel(exchange, request);
  const model = requireModel(request);
  const resolved = resolveModel(frontDoor, model);
  const { origin } = resolved;
  if (isAnthropic(origin)) return prepareTranslated(frontDoor, exchange, request, { ...resolved, origin });
  const stream = member(request, 'stream') === true;
  await admitRequest(frontDoor, exchange.ctx, { model, maxTokens: boundOf(request), stream, requestBytes: body.length });
  return relayOutbound(frontDoor, exchange, { name: resolved.backend, backend: origin }, { body, responseKind: stream ? 'event-stream' : 'message' });
}

/** `POST /v1/chat/completions`: the model says which backend, the backend's kind whether to translate or to relay. */
export async function handleChatCompletions(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  requireJsonContent(exchange.ctx);
  exchange.record.usageSource = 'missing';
  await sendAndAnswer(exchange, prepare(frontDoor, exchange));
}
