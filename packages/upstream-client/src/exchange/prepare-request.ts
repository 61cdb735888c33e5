import type { Dispatcher } from 'undici';
import type { UpstreamDispatchOptions } from '../dispatch-options.ts';
import { resolveTimeouts, type RequestTimeouts } from '../options.ts';
import { thrownError } from '../thrown.ts';
import { upstreamError } from './classify-error.ts';
import { prepareBody, type PreparedBody } from './prepare-body.ts';

type Headers = NonNullable<Dispatcher.DispatchOptions['headers']>;

/** One request, checked and ready for a slot. */
export interface PreparedRequest {
  readonly headers: Headers;
  readonly body: PreparedBody;
}

/** Stands in for the options of a request that is being answered. */
export const RELEASED_OPTIONS: UpstreamDispatchOptions = { method: 'GET', path: '/' };

/** Stands in for a request that was not checked yet. */
export const RELEASED_REQUEST: PreparedRequest = { headers: [], body: { kind: 'whole', body: null } };

function refuse(options: UpstreamDispatchOptions, detail: string): Error {
  return upstreamError('invalid_request', 'waiting', options.method, detail);
}

function isNamed(field: unknown, name: string): boolean {
  return typeof field === 'string' && field.length === name.length && field.toLowerCase() === name;
}

/** The values of one field; `name` in lower case. */
function fieldValues(headers: Headers, name: string): readonly unknown[] {
  const found: unknown[] = [];
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2) if (isNamed(headers[index], name)) found.push(headers[index + 1]);
    return found;
  }
  for (const [field, value] of headerEntries(headers)) if (isNamed(field, name)) found.push(value);
  return found;
}

function namesAnotherHost(headers: Headers, host: string): boolean {
  if (!Array.isArray(headers)) return fieldValues(headers, 'host').some((value) => value !== host);
  for (let index = 0; index < headers.length; index += 2) if (isNamed(headers[index], 'host') && headers[index + 1] !== host) return true;
  return false;
}

function headerEntries(headers: Exclude<Headers, string[]>): Iterable<[string, string | string[] | undefined]> {
  if (isEntryIterable(headers)) return headers;
  return Object.entries(headers).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]);
}

function isEntryIterable(headers: Exclude<Headers, string[]>): headers is Iterable<[string, string | string[] | undefined]> {
  return Symbol.iterator in headers;
}

/** Adds `content-length` for a body whose length we know and undici does not; a wrong one given by the caller is refused. */
function withContentLength(options: UpstreamDispatchOptions, headers: Headers, body: PreparedBody): Headers {
  if (body.kind === 'whole' || body.byteLength === undefined) return headers;
  const given = fieldValues(headers, 'content-length');
  if (given.length > 0) {
    if (given.length === 1 && String(given[0]) === String(body.byteLength)) return headers;
    throw refuse(options, 'content-length is not the length of the body');
  }
  if (Array.isArray(headers)) return [...headers, 'content-length', String(body.byteLength)];
  return [...headerEntries(headers), ['content-length', String(body.byteLength)]];
}

function isSameOrigin(given: string | URL, origin: URL): boolean {
  return given === origin.origin || URL.parse(String(given))?.origin === origin.origin;
}

/** What frozen clocks came to over which base: most requests of a service come with one of a few. */
const resolved = new WeakMap<Partial<RequestTimeouts>, { readonly base: RequestTimeouts; readonly timeouts: RequestTimeouts }>();

/** Lays the clocks of one request over those of the client; frozen ones are checked once. Throws an `UpstreamError`. */
export function prepareTimeouts(options: UpstreamDispatchOptions, base: RequestTimeouts): RequestTimeouts {
  const given = options.timeouts;
  if (given === undefined) return base;
  const known = resolved.get(given);
  if (known?.base === base) return known.timeouts;
  try {
    const timeouts = resolveTimeouts(given, base);
    if (Object.isFrozen(given)) resolved.set(given, { base, timeouts });
    return timeouts;
  } catch (error) {
    throw refuse(options, thrownError(error).message);
  }
}

/** Checks what undici would accept but this client does not, and prepares headers and body. Throws an `UpstreamError`. */
export function prepareRequest(options: UpstreamDispatchOptions, origin: URL): PreparedRequest {
  if (options.origin !== undefined && !isSameOrigin(options.origin, origin)) {
    throw upstreamError('origin_mismatch', 'waiting', `${options.method} ${origin.origin}`);
  }
  if (typeof options.path !== 'string' || !options.path.startsWith('/')) throw refuse(options, 'path must start with a slash');
  if (options.method === 'CONNECT' || ('upgrade' in options && Boolean(options.upgrade))) throw refuse(options, 'no CONNECT and no upgrade');
  const headers: Headers = options.headers ?? [];
  if (namesAnotherHost(headers, origin.host)) throw upstreamError('origin_mismatch', 'waiting', `${options.method} ${origin.origin}`, 'host header');
  let body: PreparedBody;
  try {
    body = prepareBody(options.body);
  } catch (error) {
    throw refuse(options, thrownError(error).message);
  }
  return { headers: withContentLength(options, headers, body), body };
}
