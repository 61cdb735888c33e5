import { performance } from 'node:perf_hooks';
import { GATHERED_BODY_BYTES } from '@penstock/inbound-server';
import type { RequestHeaderAdditions } from '@penstock/header-policy';
import { checkModelPath, checkModels } from './check-models.ts';
import { checkSignedQuery } from './check-signed-query.ts';
import { checkThread } from './check-thread.ts';
import { noCredential } from '../pipe/classify-failure.ts';
import { GatewayError } from '../request/gateway-error.ts';
import { estimateInput } from '../access/limits/charge-tokens.ts';
import { matchRoute } from './match-route.ts';
import { outboundBody } from '../pipe/outbound-body.ts';
import type { NativeExchange } from './native-exchange.ts';
import { readModelPlace } from './model-place.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { checkJsonType, receiveJson, type ReceivedJson } from '../body/receive-json.ts';
import { gatherUpload, receiveNothing, receiveUpload, type Upload } from '../body/receive-upload.ts';
import { MODEL_TEMPLATE, MODELS_PATH, type NativeRoute } from './route-table.ts';

const BATCHES_PATH = '/anthropic/v1/messages/batches';

/** The end of phase 2: the header policy decides which fields go upstream, and the gateway's own are added. */
export function buildOutboundHead(runtime: NativeRuntime, exchange: NativeExchange): void {
  // An answer that must be read here is asked for without compression: to count a client's tokens, to rewrite a batch's URL, to charge a batch, or to narrow a list of models.
  exchange.measuresText = runtime.limiter.limitsTokens(exchange.client);
  exchange.mustReadAnswer = exchange.measuresText || ((runtime.rewritesResultsUrl || runtime.measuresOutput) && exchange.inbound.path.startsWith(BATCHES_PATH))
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
    const additions = runtime.additionsFor(runtime.first, exchange.mustReadAnswer);
    exchange.credentialGeneration = runtime.first.state.generation;
    return additions;
  } catch (error) {
    // Nothing is sent, and its state has to show why.
    exchange.served = runtime.first;
    exchange.credentialGeneration = runtime.first.state.generation;
    throw noCredential('native', error);
  }
}

/** Phase 3. The route by path and method, and whether this client may use it. */
export function route(runtime: NativeRuntime, exchange: NativeExchange): NativeRoute {
  const matched = matchRoute(exchange.inbound, runtime.routes);
  exchange.route = matched;
  if (runtime.signsRequests && exchange.inbound.query !== '') checkSignedQuery(exchange.inbound.query);
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

/** Phase 5. JSON is gathered while it is validated; uploads are left to stream. `undefined` where there is nothing to wait for. */
export function receive(runtime: NativeRuntime, exchange: NativeExchange, matched: NativeRoute): Promise<void> | undefined {
  const { inbound } = exchange;
  const { contentLength, isChunked } = inbound.head;
  if (matched.body === 'json') {
    exchange.bytes = runtime.budget.lease(exchange.counterKey);
    checkJsonType(inbound.head);
    const received = receiveJson(inbound, exchange.bytes, matched.maxBodyBytes, exchange.mayMove);
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
  if (exchange.mayMove) exchange.modelPlace = readModelPlace(received);
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
