import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { hasViaPseudonym } from '@penstock/header-policy';
import { GATHERED_BODY_BYTES } from '@penstock/inbound-server';
import { ReplayableBody } from '@penstock/upstream-group';
import type { RequestHeaderAdditions } from '@penstock/header-policy';
import { checkModelPath, checkModels } from './check-models.ts';
import { checkThread } from './check-thread.ts';
import { noCredential } from './classify-failure.ts';
import { freeMemory } from '../body/free-memory.ts';
import { SelfReleasingBody } from '../body/self-releasing-body.ts';
import { findMisplacedPath } from './explain-path.ts';
import { ClientGone, GatewayError } from '../request/gateway-error.ts';
import type { Authentication } from '../access/clients/authentication.ts';
import { IDENTITY_RETRY_SECONDS } from '../access/clients/refusal.ts';
import { estimateInput } from '../access/limits/charge-tokens.ts';
import type { Refusal } from '../access/limits/decide-admission.ts';
import { matchRoute } from './match-route.ts';
import type { NativeExchange, OutboundBody } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { receiveJson, type ReceivedJson } from '../body/receive-json.ts';
import { gatherUpload, receiveNothing, receiveUpload, type Upload } from '../body/receive-upload.ts';
import { MODEL_TEMPLATE, MODELS_PATH, type NativeRoute } from './route-table.ts';

const BATCHES_PATH = '/anthropic/v1/messages/batches';
const JOINED_BODY_BYTES = 64 * 1024;
/** A streamed answer may take minutes, in which its request's body is held in full. */
const HELD_BODY_BYTES = 512;

/** Phase 1. Refuses loops, and requests while draining; the head was validated before routing. */
export function admit(runtime: NativeRuntime, exchange: NativeExchange): void {
  if (runtime.tracing !== undefined) exchange.inbound.trace = runtime.tracing.begin(exchange.inbound);
  if (runtime.lifecycle.isRefusing) throw new GatewayError('draining', 'The gateway is shutting down.', { retryAfterSeconds: 1 });
  if (hasViaPseudonym(exchange.inbound.request.rawHeaders, runtime.viaPseudonym)) {
    throw new GatewayError('loop_detected', 'The request has passed this gateway before: its upstream leads back to itself.');
  }
}

/** Phase 2. The caller, by key or token; `undefined` where there is nothing to wait for. */
export function authenticate(runtime: NativeRuntime, exchange: NativeExchange): Promise<void> | undefined {
  const identity = runtime.clients.authenticate(exchange.inbound.request.rawHeaders, 'native');
  if (identity instanceof Promise) return identifyLater(runtime, exchange, identity);
  identify(runtime, exchange, identity);
  return undefined;
}

async function identifyLater(runtime: NativeRuntime, exchange: NativeExchange, identity: Promise<Authentication>): Promise<void> {
  identify(runtime, exchange, await identity);
  if (exchange.inbound.isGone) throw new ClientGone();
}

function identify(runtime: NativeRuntime, exchange: NativeExchange, identity: Authentication): void {
  exchange.person = identity.person;
  if (identity.kind === 'refused') {
    const misplaced = findMisplacedPath(exchange.inbound);
    if (misplaced !== undefined) throw misplaced;
    runtime.log.credentialRefused(exchange.inbound, identity.reason);
    runtime.metrics.credentialRefused('native', identity.reason);
    const { code, message } = identity.answer;
    throw new GatewayError(code, message, code === 'identity_unavailable' ? { retryAfterSeconds: IDENTITY_RETRY_SECONDS } : {});
  }
  exchange.inbound.authenticated();
  exchange.client = identity.name;
  exchange.inbound.client = identity.name;
  exchange.counterKey = identity.counterKey;
  exchange.rules = identity.client;
}

/** The end of phase 2: the header policy decides which fields go upstream, and the gateway's own are added. */
export function buildOutboundHead(runtime: NativeRuntime, exchange: NativeExchange): void {
  // An answer that must be read here is asked for without compression: to count a client's tokens, to rewrite a batch's URL, or to narrow a list of models.
  exchange.measuresText = runtime.limiter.limitsTokens(exchange.client);
  exchange.mustReadAnswer = exchange.measuresText || (runtime.rewritesResultsUrl && exchange.inbound.path.startsWith(BATCHES_PATH))
    || (exchange.rules?.restrictsModels === true && exchange.inbound.path === MODELS_PATH);
  // With several upstreams each try makes the fields anew; here the client's are checked.
  const additions = runtime.group === undefined ? ownAdditions(runtime, exchange) : runtime.commonAdditions;
  const forwarded = runtime.policy.forwardRequestHeaders(exchange.inbound.request.rawHeaders, additions);
  if (!forwarded.ok) throw new GatewayError(forwarded.violation.code === 'too_many_fields' ? 'header_overflow' : 'bad_request', forwarded.violation.message);
  if (forwarded.dropped.length > 0) runtime.metrics.headersDropped('request', forwarded.dropped);
  exchange.outboundHeaders = forwarded.headers;
}

function ownAdditions(runtime: NativeRuntime, exchange: NativeExchange): RequestHeaderAdditions {
  try {
    return runtime.additionsFor(runtime.first, exchange.mustReadAnswer);
  } catch (error) {
    // Nothing is sent, and its state has to show why.
    exchange.served = runtime.first;
    throw noCredential(error);
  }
}

/** Phase 3. The route by path and method, and whether this client may use it. */
export function route(runtime: NativeRuntime, exchange: NativeExchange): NativeRoute {
  const matched = matchRoute(exchange.inbound, runtime.routes);
  exchange.route = matched;
  exchange.mayMove = runtime.group !== undefined;
  const group = matched.group ?? 'unknown';
  if (exchange.rules?.allowsRouteGroup(group) === false) {
    throw new GatewayError('forbidden', `The "${group}" routes are not open to this client at this gateway.`);
  }
  if (matched.template === MODEL_TEMPLATE) checkModelPath(exchange);
  if (matched.isSpentLater && exchange.measuresText && exchange.inbound.method === 'POST') {
    throw new GatewayError('forbidden', `The "${group}" routes are not open for new work to a client with a limit in tokens (${runtime.limiter.tokenLimitsOf(exchange.client).join(', ')}) at this gateway: what they spend is not known when they answer.`);
  }
  return matched;
}

/** Phase 4. The client's own limits, held until the request is settled; `undefined` for a client that has none. */
export function takeLimits(runtime: NativeRuntime, exchange: NativeExchange): Promise<void> | undefined {
  return runtime.limiter.needsLimits(exchange.client) ? waitForLimits(runtime, exchange) : undefined;
}

async function waitForLimits(runtime: NativeRuntime, exchange: NativeExchange): Promise<void> {
  const admission = await runtime.limiter.admit(exchange.client, exchange.counterKey);
  if (admission.ok) {
    exchange.limits = admission.lease;
    // If the client disconnected during the store call, its `close` event has already fired. Stop here, or the lease is held until the body times out.
    if (exchange.inbound.isGone) throw new ClientGone();
    return;
  }
  throw refusalOf(admission, runtime, exchange);
}

function refusalOf({ limit, retryAfterSeconds }: Refusal, runtime: NativeRuntime, exchange: NativeExchange): GatewayError {
  if (limit === 'store_unavailable') return new GatewayError('overloaded', 'The gateway\'s store of client limits does not answer, so that the limits of this client cannot be checked at the moment.', { retryAfterSeconds });
  runtime.metrics.limitRejected(exchange.client, limit);
  return new GatewayError('rate_limited', `This client has reached its limit at this gateway (${limit}).`, { retryAfterSeconds });
}

/** The end of phase 5: the tokens that the request may cost, reserved until it is settled; `undefined` where nothing is to be reserved. */
export function reserveTokens(runtime: NativeRuntime, exchange: NativeExchange, matched: NativeRoute): Promise<void> | undefined {
  if (!exchange.measuresText || !matched.reportsUsage || matched.body !== 'json') return undefined;
  return waitForTokens(runtime, exchange);
}

async function waitForTokens(runtime: NativeRuntime, exchange: NativeExchange): Promise<void> {
  const refusal = await exchange.limits?.reserve({
    input_tokens_per_minute: exchange.estimatedInput, output_tokens_per_minute: exchange.maxTokens ?? Number.POSITIVE_INFINITY,
  });
  if (refusal !== undefined) throw refusalOf(refusal, runtime, exchange);
  if (exchange.inbound.isGone) throw new ClientGone();
}

/** Phase 5. JSON is gathered while it is validated; uploads are left to stream. `undefined` where there is nothing to wait for. */
export function receive(runtime: NativeRuntime, exchange: NativeExchange, matched: NativeRoute): Promise<void> | undefined {
  const { inbound } = exchange;
  const { contentLength, isChunked } = inbound.head;
  if (matched.body === 'json') {
    exchange.bytes = runtime.budget.lease(exchange.counterKey);
    const received = receiveJson(inbound, exchange.bytes, matched.maxBodyBytes);
    if (received instanceof Promise) return readLater(exchange, received);
    readReceived(exchange, received);
    return undefined;
  }
  if (isChunked || (contentLength !== undefined && contentLength > 0)) {
    const upload = receiveUpload(inbound, matched.maxBodyBytes);
    exchange.uploadBytes = upload.bytes;
    if (matched.maxBodyBytes === 0) return awaitNothing(exchange, upload);
    // Its slow client would hold a slot with the first byte, and those of the long-lived are few.
    if (contentLength !== undefined && contentLength <= GATHERED_BODY_BYTES) return gather(runtime, exchange, upload, contentLength);
    exchange.outbound = upload;
    exchange.uploadFailure = upload.failure;
  } else if (inbound.method !== 'GET') {
    exchange.outbound = { body: null, contentLength: contentLength === 0 ? 0 : undefined };
  }
  exchange.receivedAt = performance.now();
  return undefined;
}

async function gather(runtime: NativeRuntime, exchange: NativeExchange, upload: Upload, contentLength: number): Promise<void> {
  exchange.bytes = runtime.budget.lease(exchange.counterKey);
  exchange.outbound = { body: await gatherUpload(upload, exchange.bytes), contentLength };
  exchange.receivedAt = performance.now();
}

async function awaitNothing(exchange: NativeExchange, upload: Upload): Promise<void> {
  await receiveNothing(upload);
  exchange.receivedAt = performance.now();
}

function readModel(envelope: ReceivedJson['envelope']): string | undefined {
  const model = envelope.members.get('model')?.[0];
  return model?.kind === 'string' ? model.value : undefined;
}

async function readLater(exchange: NativeExchange, received: Promise<ReceivedJson>): Promise<void> {
  readReceived(exchange, await received);
}

function readReceived(exchange: NativeExchange, received: ReceivedJson): void {
  const { envelope, chunks, byteLength, textBytes } = received;
  exchange.requestedModel = readModel(envelope);
  const { trace } = exchange.inbound;
  if (trace !== undefined) trace.requestModel = exchange.requestedModel;
  if (envelope.root !== 'object') throw new GatewayError('bad_request', 'The request body must be a JSON object.');
  const [duplicate] = envelope.duplicates;
  if (duplicate !== undefined) throw new GatewayError('bad_request', `The request body has more than one ${duplicate.includes('.') ? '' : 'top-level '}"${duplicate}".`);
  checkModels(exchange, envelope);
  checkThread(exchange, envelope);
  exchange.continuesThread = envelope.members.get('thread')?.some(({ kind }) => kind !== 'null') === true;
  const stream = envelope.members.get('stream')?.[0];
  exchange.wantsStream = stream?.kind === 'boolean' && stream.value;
  const maxTokens = envelope.members.get('max_tokens')?.[0];
  exchange.maxTokens = maxTokens?.kind === 'number' ? Math.max(0, Math.ceil(maxTokens.value)) : undefined;
  exchange.requestBytes = byteLength;
  exchange.estimatedInput = estimateInput(textBytes);
  exchange.outbound = { body: outboundBody(chunks, byteLength, exchange), contentLength: byteLength };
  exchange.receivedAt = performance.now();
}

/** One buffer goes out with the head in a single write; more is never joined, and a body that is not small is released while its answer streams. */
function outboundBody(chunks: readonly Buffer[], byteLength: number, { wantsStream, mayMove }: NativeExchange): OutboundBody['body'] {
  const isHeldLong = wantsStream && byteLength > HELD_BODY_BYTES;
  if (isHeldLong || byteLength > JOINED_BODY_BYTES) return mayMove ? new ReplayableBody(chunks, freeMemory) : new SelfReleasingBody(chunks);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
