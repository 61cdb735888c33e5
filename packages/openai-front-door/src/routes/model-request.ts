import type { Backend } from '../backend.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import type { StreamTranslator } from '../messages-core/messages-stream.ts';
import { ignoredParamsHeader, translateResponseHeaders } from '../messages-core/response-headers.ts';
import { checkQuery, checkReferences } from '../relay/check-references.ts';
import { costAt } from '../relay/token-cost.ts';
import type { ReadAnswer } from '../translation/read-answer.ts';
import type { ReadModelRequest } from '../translation/read-model-request.ts';
import { refusalError } from '../translation/refusal.ts';
import { anthropicRequest } from './anthropic-request.ts';
import { answerJsonBytes, answerUpstreamError, hasMediaType } from './answer-upstream.ts';
import type { Exchange, UpstreamAnswer } from './exchange.ts';
import { admitRequest, measuresText, readExchangeBody, recordRequestedModel, relayedBytes, type FrontDoor } from './front-door.ts';
import { gatherBody } from './gather-body.ts';
import { sendAndAnswer, type Outbound } from './outbound.ts';
import { requireJsonContent } from './read-body.ts';
import { relayOutbound } from './relay.ts';
import { answerStream } from './stream-answer.ts';

/** What every translated request says about its answer. */
export interface AnswerWish {
  /** The `anthropic-beta` values that the request needs. */
  readonly betas: readonly string[];
  readonly ignoredParams: readonly string[];
  readonly isStream: boolean;
  readonly maxTokens: number;
}

/** One protocol whose requests become Messages requests. */
export interface ModelProtocol<Wish extends AnswerWish> {
  /** Where its requests go upstream. */
  readonly upstreamPath: string;
  /** Whether no model answers: nothing is billed by tokens. */
  readonly isFree: boolean;
  read(frontDoor: FrontDoor, json: Uint8Array, signal: AbortSignal): Promise<ReadModelRequest<Wish>>;
  readAnswer(frontDoor: FrontDoor, json: Uint8Array, wish: Wish, signal: AbortSignal): Promise<ReadAnswer>;
  beginStream(frontDoor: FrontDoor, wish: Wish, measuresText: boolean): StreamTranslator;
}

/** Now, as OpenAI writes times. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function ignoredHeaders({ ignoredParams }: AnswerWish): readonly string[] {
  return ignoredParams.length === 0 ? [] : ['x-penstock-ignored-params', ignoredParamsHeader(ignoredParams)];
}

/** What an answer is made of, besides the upstream's. */
interface Answering<Wish extends AnswerWish> {
  readonly frontDoor: FrontDoor;
  readonly exchange: Exchange;
  readonly protocol: ModelProtocol<Wish>;
  readonly wish: Wish;
}

async function answerWhole<Wish extends AnswerWish>({ frontDoor, exchange, protocol, wish }: Answering<Wish>, response: UpstreamAnswer): Promise<void> {
  const json = await gatherBody(response.body, frontDoor.limits.maxResponseBytes);
  const jsonBytes = json.length;
  const { body, learned } = await protocol.readAnswer(frontDoor, json, wish, exchange.signal);
  Object.assign(exchange.record, { outcome: 'ok' }, learned, learned !== undefined && measuresText(frontDoor, exchange.ctx) ? { textBytes: jsonBytes } : {});
  await answerJsonBytes(exchange, 200, [...translateResponseHeaders(response.rawHeaders, exchange.requestId), ...ignoredHeaders(wish)], body);
}

async function answerStreamed<Wish extends AnswerWish>({ frontDoor, exchange, protocol, wish }: Answering<Wish>, response: UpstreamAnswer): Promise<void> {
  if (!hasMediaType(response, 'text/event-stream')) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is not an event stream.');
  }
  const { maxEventChars, keepAliveMs, maxSilenceMs } = frontDoor.limits;
  await answerStream(exchange, {
    response, maxEventChars, silence: { keepAliveMs, maxSilenceMs },
    translator: protocol.beginStream(frontDoor, wish, measuresText(frontDoor, exchange.ctx)),
    headers: ignoredHeaders(wish),
  });
}

/** Made apart from what prepared the request, so that the answer holds nothing of it. */
function answerWith<Wish extends AnswerWish>(answering: Answering<Wish>): Outbound['answer'] {
  return (response) => {
    if (response.status !== 200) return answerUpstreamError(answering.exchange, response);
    return answering.wish.isStream ? answerStreamed(answering, response) : answerWhole(answering, response);
  };
}

/** The backend of a kind that the plan named; the plan was made of the same backends. */
function backendNamed<Kind extends Backend['kind']>(frontDoor: FrontDoor, name: string, kind: Kind): Extract<Backend, { readonly kind: Kind }> {
  const backend = frontDoor.backends[name];
  if (backend?.kind !== kind) throw new Error(`the backend ${name} is not of the kind ${kind}`);
  return backend as Extract<Backend, { readonly kind: Kind }>;
}

async function prepare<Wish extends AnswerWish>(frontDoor: FrontDoor, exchange: Exchange, protocol: ModelProtocol<Wish>): Promise<Outbound> {
  const { ctx, record } = exchange;
  const received = await readExchangeBody(frontDoor, exchange);
  const jsonBytes = received.json.length;
  const request = await protocol.read(frontDoor, received.json, exchange.signal);
  recordRequestedModel(exchange, request.model);
  if (request.kind === 'refused') throw refusalError(request.refusal);
  const { backend: name, model } = request;
  const read = { model, requestBytes: record.requestBytes, jsonBytes };
  if (request.kind === 'relayed') {
    const { stream } = request.facts;
    checkQuery(frontDoor, exchange);
    const otherModels = await checkReferences(frontDoor, exchange, request.json);
    const cost = costAt(exchange.route, request.facts);
    await admitRequest(frontDoor, ctx, { ...read, otherModels, maxTokens: undefined, ...cost, stream, needsModel: true });
    return relayOutbound(frontDoor, exchange, { name, backend: backendNamed(frontDoor, name, 'openai') }, { body: relayedBytes(received, request), responseKind: stream ? 'event-stream' : 'message', spends: cost.choices !== undefined });
  }
  const { body, wish } = request;
  const backend = backendNamed(frontDoor, name, 'anthropic');
  await admitRequest(frontDoor, ctx, { ...read, ...(protocol.isFree ? { maxTokens: undefined } : { maxTokens: wish.maxTokens, choices: 1 }), stream: wish.isStream });
  return {
    to: { name, backend },
    request: anthropicRequest(ctx, backend, { method: 'POST', path: protocol.upstreamPath, body, betas: wish.betas, responseKind: protocol.isFree ? 'quick' : wish.isStream ? 'event-stream' : 'message' }),
    answer: answerWith({ frontDoor, exchange, protocol, wish }),
  };
}

/** Answers a request that names a model: the model says which backend, the backend's kind whether to translate or to relay. */
export async function handleModelRequest<Wish extends AnswerWish>(frontDoor: FrontDoor, exchange: Exchange, protocol: ModelProtocol<Wish>): Promise<void> {
  requireJsonContent(exchange.ctx);
  if (!protocol.isFree) exchange.record.usageSource = 'missing';
  await sendAndAnswer(exchange, prepare(frontDoor, exchange, protocol));
}
