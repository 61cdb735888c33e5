import type { AnthropicBackend, BackendResponse } from '../backend.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import type { ResolvedModel } from '../models/model-map.ts';
import { member, type JsonObject } from '../request/json-value.ts';
import { parseJsonRequest, requireModel } from '../request/parse-chat-request.ts';
import { parseJsonExactly } from '../request/parse-json.ts';
import { translateRequest, type TranslatedRequest } from '../request/translate-request.ts';
import { ignoredParamsHeader, translateResponseHeaders } from '../response/response-headers.ts';
import { translateMessage } from '../response/translate-message.ts';
import { anthropicRequest } from './anthropic-request.ts';
import { answerJson, answerUpstreamError, hasMediaType } from './answer-upstream.ts';
import type { Exchange } from './exchange.ts';
import { admitRequest, isAnthropic, readExchangeBody, resolveModel, type FrontDoor } from './front-door.ts';
import { gatherBody } from './gather-body.ts';
import { requireJsonContent } from './read-body.ts';
import { relayRequest } from './relay.ts';
import { answerStream } from './stream-answer.ts';

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function ignoredHeaders(translated: TranslatedRequest): readonly string[] {
  return translated.ignoredParams.length === 0 ? [] : ['x-penstock-ignored-params', ignoredParamsHeader(translated.ignoredParams)];
}

async function answerWhole(frontDoor: FrontDoor, exchange: Exchange, response: BackendResponse, translated: TranslatedRequest): Promise<void> {
  const text = (await gatherBody(response.body, frontDoor.limits.maxResponseBytes)).toString('utf8');
  let message: unknown;
  try {
    message = parseJsonExactly(text);
  } catch (error) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be read.', { cause: error });
  }
  const { completion, model, stopReason, usage } = translateMessage(message, { ...translated, created: nowSeconds() });
  const counts = usage.counts();
  exchange.record.outcome = 'ok';
  exchange.record.model = model;
  exchange.record.stopReason = stopReason;
  exchange.record.usageSource = usage.source();
  if (counts !== undefined) exchange.record.usage = counts;
  await answerJson(exchange, 200, [...translateResponseHeaders(response.rawHeaders), ...ignoredHeaders(translated)], completion);
}

async function answerStreamed(frontDoor: FrontDoor, exchange: Exchange, response: BackendResponse, translated: TranslatedRequest): Promise<void> {
  if (!hasMediaType(response, 'text/event-stream')) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is not an event stream.');
  }
  const { includeUsage, wantsReasoning, usesLegacyFunctions } = translated;
  const { maxEventChars, maxThinkingChars, keepAliveMs } = frontDoor.limits;
  await answerStream(exchange, {
    response, maxEventChars, keepAliveMs,
    settings: { includeUsage, wantsReasoning, usesLegacyFunctions, maxThinkingChars, created: nowSeconds() },
    headers: ignoredHeaders(translated),
  });
}

async function completeWithAnthropic(frontDoor: FrontDoor, exchange: Exchange, request: JsonObject, resolved: ResolvedModel & { readonly origin: AnthropicBackend }): Promise<void> {
  const { laterSystemMessages, jsonObjectFormat, reasoningContent } = frontDoor;
  const translated = translateRequest(request, { ...resolved, laterSystemMessages, jsonObjectFormat, reasoningContent });
  await admitRequest(frontDoor, exchange.ctx, {
    model: requireModel(request), maxTokens: translated.maxTokens, stream: translated.isStream, requestBytes: exchange.record.requestBytes,
  });
  const response = await exchange.send(resolved.backend, resolved.origin, anthropicRequest(exchange.ctx, resolved.origin, {
    method: 'POST', path: '/v1/messages', body: translated.body, responseKind: translated.isStream ? 'event-stream' : 'message',
  }));
  if (response.status !== 200) await answerUpstreamError(exchange, response);
  else if (translated.isStream) await answerStreamed(frontDoor, exchange, response, translated);
  else await answerWhole(frontDoor, exchange, response, translated);
}

function boundOf(request: JsonObject): number | undefined {
  const bound = member(request, 'max_completion_tokens') ?? member(request, 'max_tokens');
  return typeof bound === 'number' ? bound : undefined;
}

/** `POST /v1/chat/completions`: the model says which backend, the backend's kind whether to translate or to relay. */
export async function handleChatCompletions(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  requireJsonContent(exchange.ctx);
  exchange.record.usageSource = 'missing';
  const body = await readExchangeBody(frontDoor, exchange);
  const request = parseJsonRequest(body);
  const model = requireModel(request);
  const resolved = resolveModel(frontDoor, model);
  const { origin } = resolved;
  if (isAnthropic(origin)) {
    await completeWithAnthropic(frontDoor, exchange, request, { ...resolved, origin });
    return;
  }
  const stream = member(request, 'stream') === true;
  await admitRequest(frontDoor, exchange.ctx, { model, maxTokens: boundOf(request), stream, requestBytes: body.length });
  await relayRequest(frontDoor, exchange, { name: resolved.backend, backend: origin }, { body, responseKind: stream ? 'event-stream' : 'message' });
}
