import type { BodyEdit, Failover, RoutedRequest, TryFailure, TryRequest } from '@penstock/upstream-group';
import { ClientGone, isGatewayError } from '../../request/gateway-error.ts';
import type { UpstreamTrace } from '../../request/request-trace.ts';
import { isUnsignable, notSigned, toGatewayError } from '../../pipe/classify-failure.ts';
import type { OutboundBody } from '../../pipe/piped-exchange.ts';
import type { NativeExchange } from '../native-exchange.ts';
import type { NativeRuntime } from '../native-runtime.ts';
import type { NativeRoute } from '../route-table.ts';
import { timeoutsFor } from '../timeouts-for.ts';
import { checkModelMaps, mappedModel } from './check-model-maps.ts';
import type { MappedModel } from './model-map.ts';
import { applyCredential, checkUpload, isStreamed, type MadeTry } from './apply-credential.ts';
import type { NativeUpstream } from './native-upstream.ts';
import type { GroupedUpstreams } from './native-upstreams.ts';

const SESSION_FIELD = 'x-claude-code-session-id';
const BETA_FIELD = 'anthropic-beta';
/** Betas with which a message refers to files or skills of one account. */
const STATEFUL_BETA = /(?:^|[,\s])(?:files-api|skills)-/i;
/** The generation of no credential. */
const BOOKED = -1;
/** Fields with a digest of the body (RFC 9530, RFC 1864, RFC 3230). */
const BODY_DIGESTS: ReadonlySet<string> = new Set(['content-digest', 'repr-digest', 'content-md5', 'digest']);
/** The longest session id that is read; a longer one is cut. */
const MAX_SESSION_LENGTH = 128;

/** How one request is routed between several upstreams, and what it sees of its tries. Each try gets a head of its own, made from the client's fields. */
export class NativeTries implements RoutedRequest {
  readonly stickyKey: string | undefined;
  readonly owner: string;
  readonly scope: string;
  readonly only: string | undefined;
  readonly #runtime: NativeRuntime;
  readonly #upstreams: GroupedUpstreams;
  readonly #exchange: NativeExchange;
  readonly #route: NativeRoute;
  readonly #contentLength: number | undefined;
  /** Kept only where a signature may have to cover it, perhaps after a reload: a response may last for hours. */
  readonly #signedBody: OutboundBody['body'];
  /** The client's fields as phase 2 made them. The first try takes them: a response may last for hours, and a second try is rare. */
  #checkedFields: string[] | undefined;
  /** Of the current try. */
  #span: UpstreamTrace | undefined;
  #mapped: MappedModel | undefined;

  /** Made at once before the group takes the request: a reload between two of its tries changes neither the group's members nor these. */
  constructor(runtime: NativeRuntime, upstreams: GroupedUpstreams, exchange: NativeExchange, route: NativeRoute) {
    const fields = readRoutingFields(exchange.inbound.request.rawHeaders);
    this.#runtime = runtime;
    this.#upstreams = upstreams;
    this.#exchange = exchange;
    this.#route = route;
    this.#contentLength = exchange.outbound.contentLength;
    this.#checkedFields = exchange.outboundHeaders;
    this.owner = exchange.counterKey;
    this.scope = exchange.requestedModel ?? '';
    this.stickyKey = stickyKeyOf(runtime, fields);
    this.only = isStateful(exchange, route, fields) ? upstreams.stateful : undefined;
    checkModelMaps(upstreams, exchange, route, this.only);
    this.#signedBody = upstreams.hasClouds ? exchange.outbound.body : null;
    checkUpload(upstreams, this.#signedBody, this.only);
  }

  allows(member: string): boolean {
    const upstream = this.#upstreams.byName.get(member);
    if (upstream?.serves(this.#exchange.requestedModel) !== true || (upstream.cloud?.signsBody === true && isStreamed(this.#signedBody))) return false;
    const map = this.#upstreams.modelMaps?.get(member);
    return map === undefined || mappedModel(this.#exchange, map) !== undefined;
  }

  tried(member: string): void {
    this.#span = undefined;
    this.#serve(member);
    const { served } = this.#exchange;
    if (served !== undefined) this.#exchange.credentialGeneration = served.state.generation;
  }

  requestFor(): TryRequest | Promise<TryRequest> {
    const { served, inbound } = this.#exchange;
    if (served === undefined) throw new Error('the upstream was removed');
    const headers = this.#fieldsFor(served);
    const edit = this.#edit();
    if (edit !== undefined) this.#dropDigests(headers);
    if (this.#contentLength !== undefined) headers.push('content-length', String(this.#contentLength + (edit === undefined ? 0 : edit.bytes.byteLength - (edit.end - edit.start))));
    this.#span = inbound.trace?.beginUpstream({ method: inbound.method, origin: served.origin, template: this.#route.template.slice('/anthropic'.length), provider: served.provider }, headers);
    const made = { path: served.basePath + inbound.path.slice('/anthropic'.length) + inbound.query, headers, body: edit, timeouts: timeoutsFor(served, this.#route, this.#exchange.wantsStream) };
    return served.cloud === undefined ? made : this.#withCredential(served, made);
  }

  /** The client's fields and our own. Where ours only follow the client's, they complete what phase 2 made. */
  #fieldsFor(served: NativeUpstream): string[] {
    const exchange = this.#exchange;
    const additions = this.#runtime.additionsFor(served, exchange.mustReadAnswer);
    exchange.credentialGeneration = served.state.generation;
    const { appended } = additions;
    const checked = this.#checkedFields;
    this.#checkedFields = undefined;
    if (checked !== undefined && appended !== undefined) {
      for (const text of appended) checked.push(text);
      return checked;
    }
    const forwarded = this.#runtime.policy.forwardRequestHeaders(exchange.inbound.request.rawHeaders, additions);
    // The same fields passed in phase 2, with fewer of our own.
    if (!forwarded.ok) throw new Error(forwarded.violation.message);
    return forwarded.headers;
  }

  /** Whether what `requestFor` threw is about the client. */
  endsRequest(error: unknown): boolean {
    return isGatewayError(error) || error instanceof ClientGone;
  }

  #withCredential(served: NativeUpstream, made: MadeTry): TryRequest | Promise<TryRequest> {
    const { cloud } = served;
    // Between the tries of a request a reload gave the first credential of a cloud: its body was not kept.
    if (cloud?.signsBody === true && !this.#upstreams.hasClouds) throw new Error('the credential was replaced by one that signs bodies');
    try {
      const applied = applyCredential(served, made, this.#exchange.inbound.method, this.#signedBody);
      return applied instanceof Promise ? this.#madeLater(applied, served, cloud) : applied;
    } catch (error) {
      throw this.#notApplied(error);
    }
  }

  /** What was fetched meanwhile is the credential that the answer is about. Where a reload replaced it, the try is made anew: its fields belong to the old one. */
  async #madeLater(applied: Promise<TryRequest>, served: NativeUpstream, cloud: NativeUpstream['cloud']): Promise<TryRequest> {
    const exchange = this.#exchange;
    const [result] = await Promise.allSettled([applied]);
    // The request ended meanwhile, or is answered by another try: nothing of this one is sent.
    if (exchange.inbound.isGone || exchange.served !== served) throw new ClientGone();
    if (served.cloud !== cloud) {
      this.#span?.finished(new Error('the credential was replaced'));
      return this.requestFor();
    }
    if (result.status === 'rejected') throw this.#notApplied(result.reason);
    exchange.credentialGeneration = served.state.generation;
    return result.value;
  }

  /** A request that cannot be signed shows nothing of the upstream that it would have gone to. */
  #notApplied(error: unknown): unknown {
    if (!isUnsignable(error)) return error;
    this.#exchange.served = undefined;
    return notSigned('native', error);
  }

  /** The model's name as the upstream has it, in place of the client's JSON string. */
  #edit(): BodyEdit | undefined {
    const span = this.#exchange.modelPlace?.span;
    return this.#mapped === undefined || span === undefined ? undefined : { start: span.start, end: span.end, bytes: this.#mapped.json };
  }

  /** Takes out what is true of the client's body only. */
  #dropDigests(headers: string[]): void {
    for (let index = headers.length - 2; index >= 0; index -= 2) {
      const name = headers[index]?.toLowerCase() ?? '';
      if (!BODY_DIGESTS.has(name)) continue;
      headers.splice(index, 2);
      this.#runtime.metrics.headersDropped('request', [{ reason: 'framing' }]);
    }
  }

  failedOver(failover: Failover): void {
    this.#failed(failover);
  }

  /** The answer is that of an earlier try: the request counts for its upstream. */
  answeredBy(member: string, dropped: TryFailure): void {
    this.#failed(dropped);
    this.#serve(member);
    // What its try showed of the credential was booked when the request went on.
    this.#exchange.credentialGeneration = BOOKED;
  }

  #serve(member: string): void {
    this.#exchange.served = this.#upstreams.byName.get(member);
    this.#mapped = mappedModel(this.#exchange, this.#upstreams.modelMaps?.get(member));
    this.#exchange.upstreamModel = this.#mapped?.id;
  }

  /** Books a try that is not the answer for its upstream. */
  #failed({ from, reason, status, error, rawHeaders }: TryFailure): void {
    const exchange = this.#exchange;
    (exchange.failovers ??= []).push(`${from}:${reason}`);
    if (status !== undefined) this.#span?.answered(status);
    this.#span?.finished(error);
    const upstream = this.#upstreams.byName.get(from);
    if (upstream === undefined) return;
    if (status === undefined) {
      upstream.state.ended(toGatewayError(error ?? new ClientGone(), 'native', upstream.client.stats(), exchange.isLongLived).shape.outcome, 0, exchange.credentialGeneration);
      return;
    }
    upstream.state.headSeen(status, rawHeaders, exchange.credentialGeneration);
    if (this.#runtime.ownsCredential && rawHeaders !== undefined) this.#runtime.metrics.quotaSeen(rawHeaders, from);
    upstream.state.ended(upstream.state.refusesCredential(status, rawHeaders) ? 'upstream_credential_refused' : 'upstream_error', status, exchange.credentialGeneration);
  }
}

/** The fields by which a request is routed; of each all values, joined. */
interface RoutingFields {
  session: string | undefined;
  beta: string | undefined;
}

function readRoutingFields(rawHeaders: readonly string[]): RoutingFields {
  const fields: RoutingFields = { session: undefined, beta: undefined };
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    // By its length, nearly every field is neither.
    if (name.length === SESSION_FIELD.length && name.toLowerCase() === SESSION_FIELD) fields.session = joined(fields.session, rawHeaders[index + 1]);
    else if (name.length === BETA_FIELD.length && name.toLowerCase() === BETA_FIELD) fields.beta = joined(fields.beta, rawHeaders[index + 1]);
  }
  return fields;
}

function joined(before: string | undefined, value: string | undefined): string | undefined {
  return before === undefined ? value : `${before},${value}`;
}

function stickyKeyOf({ stickyBy }: NativeRuntime, { session }: RoutingFields): string | undefined {
  if (session !== undefined && stickyBy.includes('session')) return session.slice(0, MAX_SESSION_LENGTH);
  return stickyBy.includes('principal') ? '' : undefined;
}

/** Whether a request refers to what one account keeps. */
function isStateful({ continuesThread }: NativeExchange, { group }: NativeRoute, { beta }: RoutingFields): boolean {
  return group !== 'messages' || continuesThread || (beta !== undefined && STATEFUL_BETA.test(beta));
}
