import type { Dispatcher } from 'undici';
import type { UpstreamDispatchOptions } from '../dispatch-options.ts';
import type { NamedDispatchOptions } from '../undici/quirks.ts';
import type { PreparedRequest } from './prepare-request.ts';
import type { WriteStallBody } from './write-stall-body.ts';

type UndiciBody = NonNullable<Dispatcher.DispatchOptions['body']>;

/** A body as undici gets it. */
export type SentBody = UndiciBody | WriteStallBody | null;

/** undici sends any async iterable; its declared type lacks that. */
function isUndiciBody(body: SentBody): body is UndiciBody {
  return body !== null;
}

/** What undici is given for one request: our clocks instead of its own, and a server name no `host` header can change. */
export function sentOptions(options: UpstreamDispatchOptions, request: PreparedRequest, body: SentBody, servername: string | undefined): NamedDispatchOptions {
  const sent: NamedDispatchOptions = {
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
