import type { Context } from 'koa';

/** Path and query of a request, as they are matched and sent on. */
export interface RequestTarget {
  /** Under `/v1`, whatever the prefix is, and without a slash at its end: some clients join a base URL and a path with one too many. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
}

/** Where the front door is mounted unless an option says otherwise. */
export const DEFAULT_PREFIX = '/v1';

/** A prefix that paths can begin with: segments without an end slash, an encoded character or dots alone. */
export const PREFIX_PATTERN: RegExp = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/;

/** Reads the target of a request under `prefix`; `undefined` for any other. The path stays as it came: `%2F` in a model's name is part of the name. */
export function requestTarget({ req }: Context, prefix: string): RequestTarget | undefined {
  const url = req.url ?? '';
  if (!url.startsWith(prefix)) return undefined;
  const mark = url.indexOf('?');
  const whole = mark === -1 ? url : url.slice(0, mark);
  const path = whole.endsWith('/') && !whole.endsWith('//') ? whole.slice(0, -1) : whole;
  if (path.length > prefix.length && path[prefix.length] !== '/') return undefined;
  return { path: prefix === DEFAULT_PREFIX ? path : DEFAULT_PREFIX + path.slice(prefix.length), query: mark === -1 ? '' : url.slice(mark) };
}

/** A path under `/v1` as the client wrote it. */
export function underPrefix(path: string, prefix: string): string {
  return prefix + path.slice(DEFAULT_PREFIX.length);
}
