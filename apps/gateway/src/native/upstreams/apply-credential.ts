import type { BodyEdit, TryRequest } from '@penstock/upstream-group';
import { GatewayError } from '../../request/gateway-error.ts';
import type { OutboundBody } from '../../pipe/piped-exchange.ts';
import { upstreamGroup } from '../../pipe/upstream-group.ts';
import type { GroupedUpstreams } from './native-upstreams.ts';
import type { NativeUpstream } from './native-upstream.ts';

type Body = OutboundBody['body'];
/** A try without its credential. */
export type MadeTry = TryRequest & { readonly path: string; readonly headers: string[] };

/** Adds the credential of a cloud to a try, last of all: a signature covers what is sent, an edit of the body included. */
export function applyCredential(upstream: NativeUpstream, made: MadeTry, method: string, body: Body): TryRequest | Promise<TryRequest> {
  const { cloud } = upstream;
  if (cloud === undefined) return made;
  const headers = cloud.applyTo({ method, url: upstream.origin + made.path, headers: made.headers, body: cloud.signsBody ? chunksOf(body, made.body) : null });
  return headers instanceof Promise ? headers.then((later) => ({ ...made, headers: later })) : { ...made, headers };
}

/** What is sent of a body, in pieces. */
function chunksOf(body: Body, edit: BodyEdit | undefined): readonly Uint8Array[] | null {
  if (body === null) return null;
  if (isStreamed(body)) throw new Error('a body that is streamed cannot be signed');
  const { editChunks, ReplayableBody } = upstreamGroup();
  const chunks = body instanceof Uint8Array ? [body] : body instanceof ReplayableBody ? body.chunks() : [...body];
  return edit === undefined ? chunks : editChunks(chunks, edit);
}

/** Whether a body is read while it is sent. */
export function isStreamed(body: Body): body is AsyncIterable<Uint8Array> {
  return body !== null && Symbol.asyncIterator in body;
}

/** Refuses an upload that would have to be signed: its bytes are not there before they are sent. `only` is the one upstream that may take it. */
export function checkUpload({ byName, hasClouds }: GroupedUpstreams, body: Body, only: string | undefined): void {
  if (!hasClouds || !isStreamed(body)) return;
  const candidates = only === undefined ? [...byName.values()] : [byName.get(only)];
  if (candidates.some((upstream) => upstream?.cloud?.signsBody !== true)) return;
  throw new GatewayError('bad_request', 'This upload is longer than what the gateway gathers, and its upstream takes signed requests only, which need the whole body: send less, or have another upstream serve it (anthropic_native.routing.stateful).');
}
