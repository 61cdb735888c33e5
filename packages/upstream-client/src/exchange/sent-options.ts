import type { Dispatcher } from 'undici';
import type { UpstreamDispatchOptions } from '../dispatch-options.ts';
import type { PreparedRequest } from './prepare-request.ts';
import type { WriteStallBody } from './write-stall-body.ts';

type UndiciBody = NonNullable<Dispatcher.DispatchOptions['body']>;

/** A body as undici gets it. */
export type SentBody = UndiciBody | WriteStallBody | null;

/** undici reads `servername`; only its declared type does not say so. */
export interface SentOptions extends Dispatcher.DispatchOptions {
  readonly servername: string;
}

/** undici sends any async iterable; only its declared type does not say so. */
function isUndiciBody(body: SentBody): body is UndiciBody {
  return body !== null;
}

/** What undici is given for one request: our clocks instead of its own, and a server name no `host` header can change. */
export function sentOptions(options: UpstreamDispatchOptions, request: PreparedRequest, body: SentBody, servername: string | undefined): SentOptions {
  const sent: SentOptions = {
    path: options.path,
    method: options.method,
    headers: request.headers,
    body: isUndiciBody(body) ? body : null,
    servername: servername ?? '',
  };
  if (options.query !== undefined) sent.query = options.query;
  if (options.reset !== undefined) sent.reset = options.reset;
  return sent;
}
