import { createHeaderPolicy, anthropicHeaderRules, openaiHeaderRules, type HeaderPolicy } from '@penstock/header-policy';
import { FrontDoorError, relayRoutesAt, type Backend, type BackendRequest, type BackendResponse, type ResponseKind } from '@penstock/openai-front-door';
import { createUpstreamClient, type CreateBodyCheck, isUpstreamError, type RequestTimeouts, type UpstreamClient } from '@penstock/upstream-client';
import { removeQuota } from '../access/budgets/remove-quota.ts';
import { PLAIN } from '../config/plain.ts';
import { isSamePlace, type EffectiveBackend } from '../config/front-door-backends.ts';
import type { FrontDoorConfig } from '../config/sections/front-door-section.ts';
import { SelfReleasingBody } from '../body/self-releasing-body.ts';
import { describeFullPool, describeFullQueue } from '../request/describe-full-pool.ts';
import { backendSettings } from './backend-settings.ts';
import { droppedByTranslation, droppedRequestFields, type DroppedField } from './dropped-fields.ts';
import { createUpstreamState, type UpstreamState } from '../observe/upstreams/upstream-state.ts';
import { OpenFrontDoorRequest } from './open-front-door-request.ts';
import { ResponseBody, type BackendWatcher, type ResponseWatcher } from './response-body.ts';

/** Smaller bodies go out in one write with their head. */
const HELD_BODY_BYTES = 16 * 1024;

/** What watches the requests of one backend. */
export interface FieldWatcher extends ResponseWatcher {
  /** Counts header fields that do not cross. */
  onDropped(direction: 'request' | 'response', dropped: readonly DroppedField[]): void;
}

/** A backend of the front door with the upstream client that is its alone. */
export interface FrontDoorBackend {
  readonly backend: Backend;
  readonly upstream: UpstreamClient;
  readonly state: UpstreamState;
  /** Which fields of a client's header did not go upstream, given those that did. */
  droppedFields(received: readonly string[], sent: readonly string[]): readonly DroppedField[];
  /** Applies pool sizes and clocks to requests that come from now on, and the key of its own settings where they are for the same place. */
  update(config: FrontDoorConfig, settings: EffectiveBackend | undefined): void;
}

/** What backends are given that is no setting of theirs. */
export interface BackendSurroundings {
  readonly viaPseudonym: string;
  /** Decides whether a body that only the end of its connection delimits is whole. */
  readonly closeDelimitedCheck: CreateBodyCheck;
}

/** Makes one backend: its own client, its own pool, its own credential. Nothing is shared with the native side. */
export function createBackend(settings: EffectiveBackend, config: FrontDoorConfig, { viaPseudonym, closeDelimitedCheck }: BackendSurroundings, given: FieldWatcher): FrontDoorBackend {
  const url = new URL(settings.base_url);
  const upstream = createUpstreamClient({
    origin: url.origin, plain: PLAIN, closeDelimitedCheck, ...backendSettings(settings.kind, config),
    ...(settings.ca === undefined ? {} : { tls: { ca: settings.ca } }),
    ...(settings.proxy === undefined ? {} : { proxy: settings.proxy }),
  });
  const policy = createHeaderPolicy(settings.kind === 'anthropic' ? anthropicHeaderRules : openaiHeaderRules);
  let { api_key: key } = settings;
  const state = createUpstreamState({ kind: 'backend', ownsCredential: () => key !== undefined });
  const watcher = settings.kind === 'anthropic' ? countTranslatedFields(given, policy) : given;
  let set = ['via', `1.1 ${viaPseudonym}`, ...credentialOf(settings)];
  const basePath = basePathOf(settings.kind, url.pathname);
  let timeouts = headTimeouts(config);
  const watching = (isLongLived: boolean): BackendWatcher => ({ ...watcher, onHead: (rawHeaders, status) => {
    state.headSeen(status, rawHeaders);
    watcher.onHead(rawHeaders, status);
  }, describeFailure: (error) => describeRefusal(error, upstream, settings.kind, isLongLived) });
  const watchers = { upload: watching(true), other: watching(false) };

  // Not an async function: its frame would hold the request until the head is there.
  const send: Backend['send'] = (request, signal, onSent) => {
    const forwarded = policy.forwardRequestHeaders(request.headers, { set });
    if (!forwarded.ok) throw new Error(`the front door made a header that may not be sent: ${forwarded.violation.code}`);
    const headers = withLength(forwarded.headers, request);
    // What the front door sends is what it chose; only a length is written anew.
    const dropped = forwarded.dropped.filter(({ reason }) => reason !== 'framing');
    if (dropped.length > 0) watcher.onDropped('request', dropped);
    const trace = watcher.beginTrace({ method: request.method, origin: url.origin, template: templateOf(request.path), provider: settings.kind }, headers);
    const isUpload = isStreamed(request.body);
    const body = new ResponseBody(signal, isUpload ? watchers.upload : watchers.other, trace, onSent);
    const { head } = body;
    if (request.tag instanceof OpenFrontDoorRequest) request.tag.response = body;
    upstream.dispatch({
      method: request.method, path: basePath(request.path), headers, body: outboundBody(request.body), timeouts: timeouts[request.responseKind],
      client: request.client, caller: request.caller, longLived: isUpload ? 'upload' : undefined,
    }, body);
    return request.tag instanceof OpenFrontDoorRequest && request.tag.hidesQuota ? head.then(withoutQuota) : head;
  };
  const forwardResponseHeaders = (rawHeaders: readonly string[]): readonly string[] => {
    const { headers, dropped } = policy.forwardResponseHeaders(rawHeaders);
    if (dropped.length > 0) watcher.onDropped('response', dropped);
    return headers;
  };
  return {
    upstream, state,
    droppedFields: (received, sent) => droppedRequestFields(policy, received, sent),
    backend: settings.kind === 'anthropic' ? { kind: 'anthropic', send, anthropicVersion: settings.version } : { kind: 'openai', send, forwardResponseHeaders },
    update(next, own) {
      if (own !== undefined && isSamePlace(settings, own) && own.api_key !== key) {
        key = own.api_key;
        set = ['via', `1.1 ${viaPseudonym}`, ...credentialOf(own)];
        state.credentialChanged();
      }
      const { pool, timeouts: clocks } = backendSettings(settings.kind, next);
      upstream.resize(pool);
      upstream.setTimeouts(clocks);
      timeouts = headTimeouts(next);
    },
  };
}

/** A pool that refused is the gateway's own capacity: its answer names it. All other failures are the front door's to classify. */
function describeRefusal(error: Error, upstream: UpstreamClient, kind: EffectiveBackend['kind'], isLongLived: boolean): Error {
  if (!isUpstreamError(error) || (error.code !== 'slot_timeout' && error.code !== 'queue_full')) return error;
  const describe = error.code === 'slot_timeout' ? describeFullPool : describeFullQueue;
  const message = describe(upstream.stats(), { upstream: kind === 'anthropic' ? 'the Anthropic API' : 'this model\'s API', isLongLived });
  return new FrontDoorError('overloaded', message, { cause: error, retryAfterSeconds: error.code === 'slot_timeout' ? 2 : 5 });
}

/** Of a translated answer the header is made anew; what that leaves out is known with the upstream's head. */
function countTranslatedFields(watcher: FieldWatcher, policy: HeaderPolicy): FieldWatcher {
  return {
    ...watcher,
    onHead: (rawHeaders, status) => {
      watcher.onDropped('response', droppedByTranslation(policy, rawHeaders));
      watcher.onHead(rawHeaders, status);
    },
  };
}

function credentialOf({ kind, api_key: key }: EffectiveBackend): string[] {
  if (key === undefined) return [];
  return kind === 'anthropic' ? ['x-api-key', key] : ['authorization', `Bearer ${key}`];
}

/** Of a caller with a budget the quota of the gateway's own key is not the quota. */
function withoutQuota(response: BackendResponse): BackendResponse {
  const rawHeaders = [...response.rawHeaders];
  removeQuota(rawHeaders);
  return { ...response, rawHeaders };
}

/** What a span names a path: its template, so that no id stands there. */
function templateOf(path: string): string {
  const plain = path.replace(/\?.*$/s, '');
  return relayRoutesAt(plain)[0]?.template ?? plain.replace(/^\/v1\/models\/.+/s, '/v1/models/{id}');
}

/** Paths of the port begin with `/v1`. OpenAI base URLs include it, as their clients have it; Anthropic's do not. */
function basePathOf(kind: EffectiveBackend['kind'], pathname: string): (path: string) => string {
  const prefix = pathname.replace(/\/+$/, '');
  return kind === 'anthropic' ? (path) => prefix + path : (path) => `${prefix}${path.slice('/v1'.length)}`.replace(/^(?!\/)/, '/');
}

/** A larger body is released as it is sent: its answer may take minutes, during which the upstream client would hold it. */
function outboundBody(body: BackendRequest['body']): BackendRequest['body'] | SelfReleasingBody {
  return isHeldLong(body) ? new SelfReleasingBody([body]) : body;
}

/** A body that is passed on as it arrives holds its slot for as long as the client likes. */
function isStreamed(body: BackendRequest['body']): boolean {
  return body !== null && Symbol.asyncIterator in body;
}

function isHeldLong(body: BackendRequest['body']): body is Uint8Array {
  return body instanceof Uint8Array && body.byteLength > HELD_BODY_BYTES;
}

/** The policy drops lengths because they frame; one that describes a body which is passed on as it is stays true. */
function withLength(headers: string[], request: BackendRequest): string[] {
  if (isHeldLong(request.body)) headers.push('content-length', String(request.body.byteLength));
  if (request.body === null || request.body instanceof Uint8Array) return headers;
  for (let index = 0; index < request.headers.length; index += 2) {
    if (request.headers[index]?.toLowerCase() === 'content-length') headers.push('content-length', request.headers[index + 1] ?? '');
  }
  return headers;
}

function headTimeouts({ timeouts }: FrontDoorConfig): Record<ResponseKind, Partial<RequestTimeouts>> {
  return {
    'event-stream': { headersMs: timeouts.stream_headers * 1000 },
    message: { headersMs: timeouts.message_headers * 1000 },
    quick: { headersMs: timeouts.quick_headers * 1000 },
    opaque: { headersMs: timeouts.message_headers * 1000 },
  };
}
