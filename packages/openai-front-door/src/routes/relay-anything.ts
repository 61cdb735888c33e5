import type { Context } from 'koa';
import { FrontDoorError, isFrontDoorError } from '../errors/front-door-error.ts';
import type { Exchange } from './exchange.ts';
import { admitRequest, openAiBackends, readExchangeBody, recordRequestedModel, relayedBytes, resolveModel, type FrontDoor, type NamedBackend } from './front-door.ts';
import type { OpenAiBackend } from '../backend.ts';
import type { RelayedFacts } from '../translation/relayed-facts.ts';
import { isJsonContent, requireJsonContent } from './read-body.ts';
import { sendAndAnswer, type Outbound } from './outbound.ts';
import { relayOutbound, type RelayedBody } from './relay.ts';

/** A path that an origin might read as another one. */
const AMBIGUOUS_PATH = /(?:^|\/)\.{1,2}(?:\/|$)|\/\/|\\|;|%(?:2e|5c|00)/i;

function requirePlainPath(ctx: Context): void {
  // An encoded slash is part of a name, but an origin may decode it before it resolves dots.
  const path = ((ctx.req.url ?? '').split('?')[0] ?? '').replaceAll(/%2f/gi, '/');
  if (AMBIGUOUS_PATH.test(path)) throw new FrontDoorError('bad_request', 'The path is ambiguous.');
}

/** An origin that answers TRACE sends back what it was sent: our credential, to the client (RFC 9110 section 9.3.8). */
function requireRelayedMethod({ method }: Context): void {
  if (method === 'TRACE') throw new FrontDoorError('method_not_allowed', 'TRACE is not allowed here.', { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' });
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

function notFound(ctx: Context): FrontDoorError {
  const path = (ctx.req.url ?? '').split('?')[0] ?? '';
  return new FrontDoorError('not_found', `Unknown request URL: ${ctx.method} ${path}.`);
}

/** The origin of a model named outside Chat Completions: one that translates has nothing else to offer. */
function originOf(frontDoor: FrontDoor, ctx: Context, { model }: RelayedFacts, fallback: NamedBackend<OpenAiBackend>): NamedBackend<OpenAiBackend> {
  if (model === undefined) return fallback;
  const { backend: name, origin } = resolveModel(frontDoor, model);
  if (origin.kind !== 'openai') throw notFound(ctx);
  return { name, backend: origin };
}

/** What is known of a request without a JSON body. */
const NO_FACTS: RelayedFacts = { model: undefined, stream: false, maxTokens: undefined };

async function prepare(frontDoor: FrontDoor, exchange: Exchange): Promise<Outbound> {
  const { ctx } = exchange;
  const [first] = openAiBackends(frontDoor);
  if (first === undefined) throw notFound(ctx);
  requireRelayedMethod(ctx);
  requirePlainPath(ctx);
  let to = first;
  let relayed: RelayedBody = { body: null, responseKind: 'opaque' };
  let facts = NO_FACTS;
  let jsonBytes: number | undefined;
  if (hasBody(ctx) && isJsonContent(ctx)) {
    requireJsonContent(ctx);
    const body = await readExchangeBody(frontDoor, exchange);
    jsonBytes = body.json.length;
    const read = await frontDoor.translator.run('relayed', body.json, { maxValues: frontDoor.limits.maxRequestValues }, exchange.signal);
    facts = read.facts;
    recordRequestedModel(exchange, facts.model);
    to = originOf(frontDoor, ctx, facts, first);
    relayed = { body: relayedBytes(body, read), responseKind: facts.stream ? 'event-stream' : 'opaque' };
    exchange.record.usageSource = 'missing';
  } else if (hasBody(ctx)) {
    relayed = { body: streamedBody(frontDoor, exchange), responseKind: 'opaque' };
  }
  await admitRequest(frontDoor, ctx, { model: facts.model, maxTokens: undefined, stream: facts.stream, requestBytes: exchange.record.requestBytes, jsonBytes });
  return relayOutbound(frontDoor, exchange, to, relayed);
}

/** Everything else under `/v1`: relayed where an OpenAI-compatible origin is configured, else 404. */
export function handleAnythingElse(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  return sendAndAnswer(exchange, prepare(frontDoor, exchange));
}
