import type { UpstreamDispatchOptions } from '../dispatch-options.ts';
import { upstreamError } from './classify-error.ts';
import { prepareBody, type PreparedBody } from './prepare-body.ts';

/** One request, checked and ready for a slot. */
export interface PreparedRequest {
  readonly options: UpstreamDispatchOptions;
  readonly headers: UpstreamDispatchOptions['headers'];
  readonly body: PreparedBody;
}

type Headers = UpstreamDispatchOptions['headers'];

function refuse(options: UpstreamDispatchOptions, detail: string): Error {
  return upstreamError('invalid_request', 'waiting', String(options.method), detail);
}

/** The values of one field; `name` in lower case. */
function fieldValues(headers: Headers, name: string): readonly unknown[] {
  if (headers === null || headers === undefined) return [];
  const found: unknown[] = [];
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2) {
      const field: unknown = headers[index];
      if (typeof field === 'string' && field.length === name.length && field.toLowerCase() === name) found.push(headers[index + 1]);
    }
    return found;
  }
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [field, value] of entries as Iterable<[string, unknown]>) if (field.toLowerCase() === name) found.push(value);
  return found;
}

/** Adds `content-length` for a body whose length we know and undici does not; a wrong one given by the caller is refused. */
function withContentLength(options: UpstreamDispatchOptions, body: PreparedBody): Headers {
  const { headers } = options;
  if (body.kind === 'whole' || body.byteLength === undefined) return headers;
  const given = fieldValues(headers, 'content-length');
  if (given.length > 0) {
    if (given.length === 1 && String(given[0]) === String(body.byteLength)) return headers;
    throw refuse(options, 'content-length is not the length of the body');
  }
  const added = ['content-length', String(body.byteLength)];
  if (headers === null || headers === undefined) return added;
  if (Array.isArray(headers)) return [...(headers as string[]), ...added];
  return [...(Symbol.iterator in headers ? headers as Iterable<[string, string]> : Object.entries(headers) as [string, string][]), added as [string, string]];
}

/** Checks what undici would accept but this client does not, and prepares headers and body. Throws an `UpstreamError`. */
export function prepareRequest(options: UpstreamDispatchOptions, origin: URL): PreparedRequest {
  if (options.origin !== undefined && options.origin !== origin.origin && URL.parse(String(options.origin))?.origin !== origin.origin) {
    throw upstreamError('origin_mismatch', 'waiting', `${options.method} ${origin.origin}`);
  }
  if (typeof options.path !== 'string' || !options.path.startsWith('/')) throw refuse(options, 'path must start with a slash');
  if (options.method === 'CONNECT' || (options as { upgrade?: unknown }).upgrade) throw refuse(options, 'no CONNECT and no upgrade');
  for (const host of fieldValues(options.headers, 'host')) {
    if (host !== origin.host) throw upstreamError('origin_mismatch', 'waiting', `${options.method} ${origin.origin}`, 'host header');
  }
  let body: PreparedBody;
  try {
    body = prepareBody(options.body);
  } catch (error) {
    throw refuse(options, (error as Error).message);
  }
  return { options, headers: withContentLength(options, body), body };
}
