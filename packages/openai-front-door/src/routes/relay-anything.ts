import type { Context } from 'koa';
import { FrontDoorError, isFrontDoorError } from '../errors/front-door-error.ts';
import { costAt, spendsLater } from '../relay/token-cost.ts';
import type { OpenAiBackend } from '../backend.ts';
import type { RequestRead } from '../options.ts';
import { checkQuery, checkReferences } from '../relay/check-references.ts';
import { isMultipart, peekMultipartModel } from '../relay/multipart-model.ts';
import { answersAnew, type RelayRoute } from '../relay/relay-routes.ts';
import type { Exchange } from './exchange.ts';
import { admitRequest, openAiBackends, readExchangeBody, recordRequestedModel, relayedBytes, resolveModel, type FrontDoor, type NamedBackend, type RouteHandler } from './front-door.ts';
import { isJsonContent, requireJsonContent } from './read-body.ts';
import { sendAndAnswer, type Outbound } from './outbound.ts';
import { reasonNotServed } from './not-served.ts';
import { relayOutbound, type RelayedBody } from './relay.ts';

/** What is known of a relayed request when it may be sent. */
interface PreparedRelay {
  readonly to: NamedBackend<OpenAiBackend>;
  readonly relayed: RelayedBody;
  readonly read: Pick<RequestRead, 'model' | 'stream' | 'otherModels' | 'jsonBytes' | 'choices' | 'isSpentLater' | 'isFree'> & { readonly maxTokens?: number | undefined };
}

function hasBody(ctx: Context): boolean {
  return ctx.req.headers['transfer-encoding'] !== undefined || Number(ctx.req.headers['content-length'] ?? 0) > 0;
}

/** The request's bytes as they arrive, counted and bounded. What goes wrong in reading them is how the exchange ends, whatever the backend makes of it. */
async function* streamedBody(frontDoor: FrontDoor, exchange: Exchange): AsyncGenerator<Uint8Array> {
  const { maxStreamedRequestBytes: maxBytes } = frontDoor.limits;
  try {
    for await (const chunk of frontDoor.streamBody(exchange.ctx)) {
      exchange.record.requestBytes += chunk.length;
      if (exchange.record.requestBytes > maxBytes) throw new FrontDoorError('too_large', `The request body is larger than ${maxBytes} bytes.`);
      yield chunk;
    }
  } catch (error) {
    if (isFrontDoorError(error)) exchange.interrupt(error);
    throw error;
  }
}

/** The origin of a model named outside Chat Completions: one that translates has nothing else to offer. */
function originOf(frontDoor: FrontDoor, { ctx, target }: Exchange, model: string | undefined, fallback: NamedBackend<OpenAiBackend>): NamedBackend<OpenAiBackend> {
  if (model === undefined) return fallback;
  const { backend: name, origin } = resolveModel(frontDoor, model);
  if (origin.kind === 'openai') return { name, backend: origin };
  throw new FrontDoorError('not_found', `Unknown request URL: ${ctx.method} ${target.path}. The backend of this model is of kind "anthropic", where ${reasonNotServed(target.path) ?? 'this route has no counterpart'}. Name a model of a backend of kind "openai", or use Chat Completions or the Responses API.`);
}

/** What is known of a request without a JSON body. */
const NO_FACTS: PreparedRelay['read'] = { model: undefined, stream: false, jsonBytes: undefined };

async function prepareJson(frontDoor: FrontDoor, exchange: Exchange, route: RelayRoute, first: NamedBackend<OpenAiBackend>): Promise<PreparedRelay> {
  requireJsonContent(exchange.ctx);
  const received = await readExchangeBody(frontDoor, exchange);
  const jsonBytes = received.json.length;
  const read = await frontDoor.translator.run('relayed', received.json, { maxValues: frontDoor.limits.maxRequestValues }, exchange.signal);
  const { model, stream } = read.facts;
  recordRequestedModel(exchange, model);
  const to = originOf(frontDoor, exchange, model, first);
  const otherModels = await checkReferences(frontDoor, exchange, read.json);
  const { isSpentLater = false, isFree = false, ...cost } = exchange.ctx.method === 'POST' ? costAt(exchange.target.path, read.facts) : {};
  const spends = cost.choices !== undefined && answersAnew(route, exchange.target.path);
  if (spends) exchange.record.usageSource = 'missing';
  return { to, relayed: { body: relayedBytes(received, read), responseKind: stream ? 'event-stream' : 'opaque', spends }, read: { model, stream, otherModels, jsonBytes, isSpentLater, isFree, ...(spends ? cost : {}) } };
}

/** A form names its model in a part, and only where there is a choice it is looked for. Later parts are not read: two readers may know two models, so the caller's rules take it for unknown. */
async function prepareForm(frontDoor: FrontDoor, exchange: Exchange, first: NamedBackend<OpenAiBackend>, source: AsyncGenerator<Uint8Array>): Promise<PreparedRelay> {
  const contentType = exchange.ctx.req.headers['content-type'] ?? '';
  const read = NO_FACTS;
  const spends = true;
  if (openAiBackends(frontDoor).length === 1) return { to: first, relayed: { body: source, responseKind: 'opaque', spends }, read };
  const { model, body } = await peekMultipartModel(source, contentType, frontDoor.limits.maxFormHeadBytes);
  if (model === undefined) {
    throw new FrontDoorError('bad_request', `The form has no part 'model' in its first ${frontDoor.limits.maxFormHeadBytes} bytes, and the model chooses the backend: send it before the file.`, { param: 'model' });
  }
  return { to: originOf(frontDoor, exchange, model, first), relayed: { body, responseKind: 'opaque', spends }, read };
}

function prepareBody(frontDoor: FrontDoor, exchange: Exchange, route: RelayRoute, source: AsyncGenerator<Uint8Array>): Promise<PreparedRelay> {
  const { ctx } = exchange;
  const { body: kind } = route;
  const [first] = openAiBackends(frontDoor);
  if (first === undefined) return Promise.reject(new FrontDoorError('not_found', 'No backend of kind "openai" is there.'));
  if (kind === 'json' || (hasBody(ctx) && isJsonContent(ctx))) return prepareJson(frontDoor, exchange, route, first);
  if (kind === 'form') {
    if (isMultipart(ctx.req.headers['content-type'])) return prepareForm(frontDoor, exchange, first, source);
    return Promise.reject(new FrontDoorError('unsupported_media_type', 'The request body must be multipart/form-data or application/json.'));
  }
  const body = hasBody(ctx) ? source : null;
  return Promise.resolve({ to: first, relayed: { body, responseKind: 'opaque', spends: false }, read: NO_FACTS });
}

async function prepare(frontDoor: FrontDoor, exchange: Exchange, route: RelayRoute, source: AsyncGenerator<Uint8Array>): Promise<Outbound> {
  checkQuery(frontDoor, exchange);
  const { to, relayed, read } = await prepareBody(frontDoor, exchange, route, source);
  const isSpentLater = exchange.ctx.method === 'POST' && (read.isSpentLater === true || spendsLater(exchange.target.path));
  await admitRequest(frontDoor, exchange.ctx, { maxTokens: undefined, ...read, isSpentLater, group: route.group, needsModel: route.group === 'front_door', requestBytes: exchange.record.requestBytes });
  return relayOutbound(frontDoor, exchange, to, relayed);
}

/** Relays one route to an OpenAI-compatible origin. */
export function relayRoute(route: RelayRoute): RouteHandler {
  return (frontDoor, exchange) => {
    const source = streamedBody(frontDoor, exchange);
    // A body that was looked into and then not sent must be given back, or its rest is never read. Not waited for: its client may be silent.
    return sendAndAnswer(exchange, prepare(frontDoor, exchange, route, source)).finally(() => void source.return(undefined).catch(() => undefined));
  };
}
