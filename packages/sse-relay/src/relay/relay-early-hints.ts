import type { ServerResponse } from 'node:http';

/**
 * Forwards a 103 (RFC 8297) where the runtime can write one and the client can read one. Fields other than `link` stay
 * behind: they belong to the final head, where the policy decides on them.
 */
export function relayEarlyHints(response: ServerResponse, rawHeaders: readonly string[]): void {
  const { httpVersionMajor, httpVersionMinor } = response.req;
  // An HTTP/1.0 client would take any 1xx for the answer (RFC 9110 section 15.2).
  if (typeof response.writeInformation !== 'function' || httpVersionMajor !== 1 || httpVersionMinor < 1) return;
  const links = rawHeaders.filter((_, index) => rawHeaders[index - index % 2]?.toLowerCase() === 'link');
  if (links.length > 0) response.writeInformation(103, links);
}
