import type { Backend, BackendResponse } from '../backend.ts';
import { createStreamTranslator } from '../chat/stream-translator.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { costAt } from '../relay/token-cost.ts';
import { ignoredParamsHeader, translateResponseHeaders } from '../messages-core/response-headers.ts';
import { checkQuery, checkReferences } from '../relay/check-references.ts';
import type { AnswerWish } from '../translation/read-chat.ts';
import { refusalError } from '../translation/refusal.ts';
import { anthropicRequest } from './anthropic-request.ts';
import { answerJsonBytes, answerUpstreamError, hasMediaType } from './answer-upstream.ts';
import type { Exchange } from './exchange.ts';
import { admitRequest, measuresText, readExchangeBody, recordRequestedModel, relayedBytes, type FrontDoor } from './front-door.ts';
import { gatherBody } from './gather-body.ts';
import { sendAndAnswer, type Outbound } from './outbound.ts';
import { requireJsonContent } from './read-body.ts';
import { relayOutbound } from './relay.ts';
import { answerStream } from './stream-answer.ts';

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function ignoredHeaders(wish: AnswerWish): readonly string[] {
  return wish.ignoredParams.length === 0 ? [] : ['x-penstock-ignored-params', ignoredParamsHeader(wish.ignoredParams)];
}

async function answerWhole(frontDoor: FrontDoor, exchange: Exchange, response: BackendResponse, wish: AnswerWish): Promise<void> {
  const { maxResponseBytes, maxResponseValues: maxValues } = frontDoor.limits;
  const plan = { maxValues, created: nowSeconds(), wantsReasoning: wish.wantsReasoning, usesLegacyFunctions: wish.usesLegacyFunctions };
  const json = await gatherBody(response.body, maxResponseBytes);
  const { body, model, stopReason, usage, usageSource } = await frontDoor.translator.run('answer', json, plan, exchange.signal);
  Object.assign(exchange.record, { outcome: 'ok', model, stopReason, usageSource }, usage === undefined ? {} : { usage }, measuresText(frontDoor, exchange.ctx) ? { textBytes: json.length } : {});
  await answerJsonBytes(exchange, 200, [...translateResponseHeaders(response.rawHeaders, exchange.requestId), ...ignoredHeaders(wish)], body);
}

async function answerStreamed(frontDoor: FrontDoor, exchange: Exchange, response: BackendResponse, wish: AnswerWish): Promise<void> {
  if (!hasMediaType(response, 'text/event-stream')) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is not an event stream.');
  }
  const { includeUsage, wantsReasoning, usesLegacyFunctions } = wish;
  const { maxEventChars, maxThinkingChars, keepAliveMs, maxSilenceMs } = frontDoor.limits;
  await answerStream(exchange, {
    response, maxEventChars, silence: { keepAliveMs, maxSilenceMs },
    translator: createStreamTranslator({ includeUsage, wantsReasoning, usesLegacyFunctions, maxThinkingChars, created: nowSeconds(), measuresText: measuresText(frontDoor, exchange.ctx) }),
    headers: ignoredHeaders(wish),
  });
}

function answerWith(frontDoor: FrontDoor, exchange: Exchange, wish: AnswerWish): Outbound['answer'] {
  return (response) => {
    if (response.status !== 200) return answerUpstreamError(exchange, response);
    return wish.isStream ? answerStreamed(frontDoor, exchange, response, wish) : answerWhole(frontDoor, exchange, response, wish);
  };
}

/** The backend of a kind that the plan named; the plan was made of the same backends. */
function backendNamed<Kind extends Backend['kind']>(frontDoor: FrontDoor, name: string, kind: Kind): Extract<Backend, { readonly kind: Kind }> {
  const backend = frontDoor.backends[name];
  if (backend?.kind !== kind) throw new Error(`the backend ${name} is not of the kind ${kind}`);
  return backend as Extract<Backend, { readonly kind: Kind }>;
}

async function prepare(frontDoor: FrontDoor, exchange: Exchange): Promise<Outbound> {
  const { ctx, record } = exchange;
  const received = await readExchangeBody(frontDoor, exchange);
  const jsonBytes = received.json.length;
  const chat = await frontDoor.translator.run('chat', received.json, frontDoor.chatPlan, exchange.signal);
  recordRequestedModel(exchange, chat.model);
  if (chat.kind === 'refused') throw refusalError(chat.refusal);
  const { backend: name, model } = chat;
  const read = { model, requestBytes: record.requestBytes, jsonBytes };
  if (chat.kind === 'relayed') {
    const { stream } = chat.facts;
    checkQuery(frontDoor, exchange);
    const otherModels = await checkReferences(frontDoor, exchange, chat.json);
    await admitRequest(frontDoor, ctx, { ...read, otherModels, maxTokens: undefined, ...costAt(exchange.route, chat.facts), stream });
    return relayOutbound(frontDoor, exchange, { name, backend: backendNamed(frontDoor, name, 'openai') }, { body: relayedBytes(received, chat), responseKind: stream ? 'event-stream' : 'message' });
  }
  const { body, wish } = chat;
  const backend = backendNamed(frontDoor, name, 'anthropic');
  await admitRequest(frontDoor, ctx, { ...read, maxTokens: wish.maxTokens, choices: 1, stream: wish.isStream });
  return {
    to: { name, backend },
    request: anthropicRequest(ctx, backend, { method: 'POST', path: '/v1/messages', body, responseKind: wish.isStream ? 'event-stream' : 'message' }),
    answer: answerWith(frontDoor, exchange, wish),
  };
}

/** `POST /v1/chat/completions`: the model says which backend, the backend's kind whether to translate or to relay. */
export async function handleChatCompletions(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  requireJsonContent(exchange.ctx);
  exchange.record.usageSource = 'missing';
  await sendAndAnswer(exchange, prepare(frontDoor, exchange));
}
