import type { ServerResponse } from 'node:http';

/**
 * Hands trailer fields to a client that takes them (RFC 9110 section 6.5.1): the body is chunked and the request said
 * `TE: trailers`. To any other they are dropped, which that section allows.
 */
export function relayTrailers(response: ServerResponse, rawTrailers: readonly string[]): void {
  if (rawTrailers.length === 0 || !response.chunkedEncoding || !takesTrailers(response.req.headers['te'])) return;
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < rawTrailers.length; index += 2) fields.push([rawTrailers[index] ?? '', rawTrailers[index + 1] ?? '']);
  response.addTrailers(fields);
}

function takesTrailers(te: string | string[] | undefined): boolean {
  return te !== undefined && String(te).split(',').some((coding) => coding.trim().toLowerCase() === 'trailers');
}
