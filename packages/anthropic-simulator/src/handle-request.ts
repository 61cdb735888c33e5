import type { IncomingMessage, ServerResponse } from 'node:http';
import { cloudFormatOf, nativePath } from './clouds/cloud-format.ts';
import { FAULT_HEADER, parseFaults, type Faults } from './faults.ts';
import { apiError, invalidRequest, notFound, type ApiErrorOptions } from './http/api-error.ts';
import { apiHeaders } from './http/api-headers.ts';
import { bytesAnswer, type Answer } from './http/answer.ts';
import { authenticationFailure } from './http/authenticate.ts';
import { edgeErrorPage, edgeTooLarge } from './http/edge-error-page.ts';
import { acceptsGzip } from './http/encode-body.ts';
import { headerOf, type Exchange } from './http/exchange.ts';
import { decodeBody, receiveBody, type ReceivedBody } from './http/receive-body.ts';
import { writeAnswer } from './http/write-answer.ts';
import type { RequestLog } from './request-log.ts';
import { matchRoute, type Route } from './routes/route.ts';
import type { Simulation } from './simulation.ts';

/** The largest body of each path, as documented for the API. */
const MAX_BODY_BYTES = { messages: 32 * 1024 * 1024, batches: 256 * 1024 * 1024, files: 500 * 1024 * 1024 } as const;

/** What handles requests: the state, the routes and the log. */
export interface RequestHandling {
  readonly simulation: Simulation;
  readonly routes: readonly Route[];
  readonly log: RequestLog;
}

/** Takes one request from its head to the last byte of its answer. */
export async function handleRequest(handling: RequestHandling, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { simulation, log } = handling;
  const { method = '', url = '', rawHeaders } = request;
  const requestId = `req_011${simulation.random.identifier(21)}`;
  const [sentPath, search] = splitOnce(url, '?');
  const path = nativePath(sentPath);
  const cloud = cloudFormatOf(path);
  const maxBytes = maxBodyBytes(path);
  const parsed = parseFaults(headerOf({ rawHeaders }, FAULT_HEADER));
  const programmed = method === 'HEAD' ? undefined : simulation.answers.take(cloud?.isMessage === true ? '/v1/messages' : path);
  const faults = { ...cloud !== undefined || path.startsWith('/v1/') ? simulation.nextFaults() : {}, ...parsed.ok ? parsed.faults : {}, ...programmed?.faults };
  const received = faults.requestBody === undefined ? await receiveBody(request, maxBytes) : UNREAD;
  log.add({ method, url, path: sentPath, rawHeaders, bodyBytes: received.byteLength, isComplete: received.failure === undefined, requestId }, received.chunks);
  if (received.failure === 'aborted' || faults.requestBody === 'unread') return;
  const head = { method, path, query: new URLSearchParams(search), rawHeaders, requestId, signal, reply: programmed?.reply };
  let answer: Answer;
  if (!parsed.ok) answer = invalidRequest(requestId, parsed.message);
  else if (received.failure === 'too_large') answer = answerFaults(faults, requestId) ?? edgeTooLarge();
  else answer = answerFaults(faults, requestId) ?? answerRecording(simulation, faults, head) ?? answerDecoded(handling, head, received.chunks, maxBytes);
  if (cloud !== undefined) answer = cloud.shape(answer, { requestId, date: new Date(simulation.options.clock.now()).toUTCString() });
  await writeAnswer(response, answer, {
    headers: apiHeaders(answer, { requestId, clock: simulation.options.clock, rateLimits: simulation.rateLimits, ...ACCOUNT }),
    faults, clock: simulation.options.clock, isHead: method === 'HEAD', signal,
    acceptsGzip: acceptsGzip(headerOf({ rawHeaders }, 'accept-encoding')),
  });
}

/** A body that a fault leaves alone; an early answer without a status of its own is the edge's 413. */
const UNREAD: ReceivedBody = { chunks: [], byteLength: 0, failure: 'too_large' };

const ACCOUNT = { organizationId: '5c1a2f0e-7d3b-4e0c-9b57-3f6c1d2e4a90', workspaceId: 'wrkspc_01SimulatedWorkspace0000000' } as const;

function answerDecoded(handling: RequestHandling, head: Omit<Exchange, 'body'>, chunks: readonly Uint8Array[], maxBytes: number): Answer {
  const { requestId } = head;
  const body = decodeBody(chunks, headerOf(head, 'content-encoding'), maxBytes);
  if (body === 'too_large') return apiError(413, requestId, { errorCode: 'request_body_too_large_after_decoding' });
  if (body === 'unsupported') return apiError(400, requestId, { message: 'The content-encoding of the request is not supported', errorCode: 'request_body_encoding_unsupported' });
  if (body === 'invalid') return apiError(400, requestId, { message: 'The request body does not match its content-encoding', errorCode: 'request_body_encoding_invalid' });
  return answerRouted(handling, { ...head, body });
}

function answerRouted({ simulation, routes }: RequestHandling, exchange: Exchange): Answer {
  const { method, path, requestId } = exchange;
  const matched = matchRoute(routes, method, path);
  if (matched === undefined) return notFound(requestId);
  if (matched === 'wrong_method') return apiError(405, requestId);
  if (matched.route.pattern.startsWith('/v1/') && matched.route.hasOwnHeaders !== true) {
    const failure = authenticationFailure(exchange, simulation.options.apiKeys);
    if (failure !== undefined) return failure;
    if (headerOf(exchange, 'anthropic-version') === undefined) return invalidRequest(requestId, 'anthropic-version: header is required');
  }
  return matched.route.answer(exchange, ...matched.parameters);
}

function answerRecording(simulation: Simulation, faults: Faults, head: Omit<Exchange, 'body'>): Answer | undefined {
  if (faults.recording === undefined) return undefined;
  const isGzipWanted = faults.coding === undefined ? acceptsGzip(headerOf(head, 'accept-encoding')) : faults.coding === 'gzip';
  return simulation.recordings.answer(faults.recording, isGzipWanted) ?? notFound(head.requestId, `no recording is called ${faults.recording}`);
}

function answerFaults(faults: Faults, requestId: string): Answer | undefined {
  if (faults.redirect !== undefined) return { ...bytesAnswer(Buffer.alloc(0), 'text/plain', [['Location', faults.redirect]]), status: 307 };
  if (faults.htmlError !== undefined) return edgeErrorPage(faults.htmlError, requestId);
  const headers = faults.retryAfter === undefined ? [] : [['retry-after', faults.retryAfter] as const];
  if (faults.status !== undefined && faults.status >= 400) return apiError(faults.status, requestId, { headers, ...pick(faults) });
  return undefined;
}

function pick({ message, errorCode }: Faults): ApiErrorOptions {
  return { ...message === undefined ? {} : { message }, ...errorCode === undefined ? {} : { errorCode } };
}

function maxBodyBytes(path: string): number {
  if (path.startsWith('/v1/files') || path.startsWith('/v1/skills')) return MAX_BODY_BYTES.files;
  return path.startsWith('/v1/messages/batches') ? MAX_BODY_BYTES.batches : MAX_BODY_BYTES.messages;
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}
