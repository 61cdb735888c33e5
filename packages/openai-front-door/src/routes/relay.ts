import { performance } from 'node:perf_hooks';
import { headerValue, type OpenAiBackend, type ResponseKind } from '../backend.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import type { RelayObservation } from '../relay/answer-reader.ts';
import { createEventBoundary } from '../relay/event-boundary.ts';
import { framingOf, type RelayFraming } from '../relay/relay-framing.ts';
import { relayRequestHeaders, relayResponseHeaders } from '../relay/relay-headers.ts';
import { createRelayObserver } from '../relay/relay-observer.ts';
import type { StreamProgress } from '../request-summary.ts';
import type { ClientResponse } from './client-response.ts';
import type { Exchange, UpstreamAnswer } from './exchange.ts';
import { measuresText, type FrontDoor, type NamedBackend } from './front-door.ts';
import type { Outbound } from './outbound.ts';
import { breakStream } from './stream-answer.ts';

/** The body of a relayed request: gathered bytes, a stream, or none. */
export interface RelayedBody {
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly responseKind: ResponseKind;
  /** Whether usage in its answer is of this request; a stored answer reports what an earlier one spent. */
  readonly spends: boolean;
}

const CHAT_ROUTE = '/v1/chat/completions';

/** Whether the end of the connection does not prove a complete answer: a chat stream that ends by close. The end mark of other streams is not known here. */
function isEndUnknown(exchange: Exchange, framing: RelayFraming, { status }: UpstreamAnswer): boolean {
  return status === 200 && framing.isEventStream && framing.endsByClose && exchange.route === CHAT_ROUTE;
}

/** Ends the answer at once; a failure reaches the caller when it awaits the returned promise. */
function endNow(client: ClientResponse): Promise<void> {
  const ended = client.end();
  ended.catch(() => undefined);
  return ended;
}

/** How the body of an answer is read. */
interface ReadAs {
  readonly framing: RelayFraming;
  readonly spends: boolean;
}

async function relayBody(frontDoor: FrontDoor, exchange: Exchange, response: UpstreamAnswer, { framing, spends }: ReadAs): Promise<void> {
  const { client, record } = exchange;
  const { maxEventChars: maxEventBytes, maxDecodedBytes } = frontDoor.limits;
  const observer = createRelayObserver({ ...framing, maxEventBytes, maxDecodedBytes, measuresText: measuresText(frontDoor, exchange.ctx), onError: (error) => frontDoor.hooks.onInternalError?.(error, exchange.ctx) });
  if (framing.isEventStream && spends && response.status < 400) exchange.streamBegun(() => progressOf(observer.soFar()));
  const boundary = createEventBoundary();
  let lastAt = performance.now();
  /** While the observer lags behind. It is waited for before the next chunk, never behind the last one, which its client may answer at once. */
  let lag: Promise<void> | undefined;
  let ended: Promise<void> | undefined;
  try {
    for await (const chunk of response.body) {
      if (lag !== undefined) await lag;
      const now = performance.now();
      if (record.isEventStream) record.largestGapMs = Math.max(record.largestGapMs ?? 0, now - lastAt);
      lastAt = now;
      await client.write(chunk);
      boundary.see(chunk);
      lag = observer.onChunk(chunk);
    }
    if (!isEndUnknown(exchange, framing, response)) ended = endNow(client);
    const { sawError, sawEnd, usage, ...observed } = await observer.result(false);
    if (ended === undefined && !sawEnd) throw new FrontDoorError('upstream_truncated', 'The upstream ended its answer before it was complete.');
    Object.assign(record, observed);
    if (spends && usage !== undefined) Object.assign(record, { usage, usageSource: 'final' });
    record.outcome = response.status >= 400 ? 'upstream_error' : sawError && record.isEventStream ? 'stream_error_event' : 'ok';
    await (ended ?? client.end());
  } catch (error) {
    const failure = exchange.classify(error);
    const { sawError: _sawError, sawEnd: _sawEnd, usage, ...observed } = await observer.result(true);
    Object.assign(record, observed);
    if (spends && usage !== undefined) record.usage = usage;
    if (framing.takesFrames && boundary.atBoundary()) {
      await breakStream(exchange, failure);
      return;
    }
    throw failure;
  }
}

function progressOf({ model, usage, textBytes }: RelayObservation): StreamProgress {
  return { ...(model === undefined ? {} : { model }), ...(usage === undefined ? {} : { usage }), ...(textBytes === undefined ? {} : { textBytes }) };
}

/** A request to an OpenAI-compatible origin as it came, whose answer goes back as it comes. */
export function relayOutbound(frontDoor: FrontDoor, exchange: Exchange, to: NamedBackend<OpenAiBackend>, { spends, ...relayed }: RelayedBody): Outbound {
  const { ctx } = exchange;
  const isStreamed = relayed.body !== null && !(relayed.body instanceof Uint8Array);
  const request = { method: ctx.method, path: exchange.target.path + exchange.target.query, headers: relayRequestHeaders(ctx.req, isStreamed), ...relayed };
  return { to, request, answer: answerWith(frontDoor, exchange, to.backend, spends) };
}

function answerWith(frontDoor: FrontDoor, exchange: Exchange, backend: OpenAiBackend, spends: boolean): Outbound['answer'] {
  return async (response) => relayBody(frontDoor, exchange, response, { framing: beginAnswer(exchange, backend, response), spends });
}

/** Passes the head on, and releases its fields. */
function beginAnswer(exchange: Exchange, { forwardResponseHeaders = relayResponseHeaders }: OpenAiBackend, response: UpstreamAnswer): RelayFraming {
  const isRedirect = response.status >= 300 && response.status < 400 && response.status !== 304;
  if (response.status < 200 || isRedirect || response.status > 599) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be passed on.');
  }
  const framing = framingOf(response.rawHeaders);
  exchange.record.isEventStream = framing.isEventStream;
  const added = framing.isEventStream && headerValue(response.rawHeaders, 'x-accel-buffering') === undefined ? ['x-accel-buffering', 'no'] : [];
  if (exchange.requestId !== undefined && headerValue(response.rawHeaders, 'x-request-id') === undefined) added.push('x-request-id', exchange.requestId);
  exchange.client.writeHead(response.status, [...forwardResponseHeaders(response.rawHeaders), ...added]);
  exchange.client.flushHead();
  response.rawHeaders = [];
  return framing;
}
