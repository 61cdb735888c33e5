import { STATUS_CODES, type ServerResponse } from 'node:http';
import { RelayError } from './relay-error.ts';
import type { RelayHead } from './relay-options.ts';
import { hasContentLength } from './response-description.ts';

const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** How the end of a body is marked for the client; `close`: only by the end of the connection (HTTP/1.0). */
export type BodyDelimiter = 'none' | 'framed' | 'close';

/**
 * Calls `writeHead`. The head is sent by the body writer, or by `end()` where there is no body. Without a head it throws `RelayError` `refused`,
 * else what `writeHead` throws; another head can then be written to the response.
 */
export function writeResponseHead(response: ServerResponse, head: RelayHead | undefined, hasBody: boolean): BodyDelimiter {
  if (head === undefined) throw new RelayError('refused', 'the response was refused by onHead');
  const statusMessage = SENDABLE.test(head.statusMessage) ? head.statusMessage : STATUS_CODES[head.status] ?? '';
  response.strictContentLength = true;
  try {
    response.writeHead(head.status, statusMessage, head.rawHeaders);
  } catch (error) {
    // writeHead keeps a reason phrase even if it then refuses a field.
    response.statusMessage = '';
    throw error;
  }
  if (!hasBody || head.status === 204 || head.status === 304) return 'none';
  return response.chunkedEncoding || hasContentLength(head.rawHeaders) ? 'framed' : 'close';
}
