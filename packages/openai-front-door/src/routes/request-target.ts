import type { Context } from 'koa';

/** Path and query of a request, as they are matched and sent on. */
export interface RequestTarget {
  /** Without a slash at its end: some clients join a base URL and a path with one too many. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
}

const PREFIX = '/v1';

/** Reads the target of a request under `/v1`; `undefined` for any other. The path stays as it came: `%2F` in a model's name is part of the name. */
export function requestTarget({ req }: Context): RequestTarget | undefined {
  const url = req.url ?? '';
  if (!url.startsWith(PREFIX)) return undefined;
  const mark = url.indexOf('?');
  const whole = mark === -1 ? url : url.slice(0, mark);
  const path = whole.endsWith('/') && !whole.endsWith('//') ? whole.slice(0, -1) : whole;
  if (path.length > PREFIX.length && path[PREFIX.length] !== '/') return undefined;
  return { path, query: mark === -1 ? '' : url.slice(mark) };
}
