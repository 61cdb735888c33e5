import { STATUS_CODES, type ServerResponse } from 'node:http';
import { RelayError } from './relay-error.ts';
import type { RelayHead } from './relay-options.ts';
import { hasContentLength } from './response-description.ts';

const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** How a client will see where the body ends; by `close` only the end of the connection tells it (HTTP/1.0). */
export type BodyDelimiter = 'none' | 'framed' | 'close';

/**
 * Gives a response its head, which is sent by the writer of its body, or by `end()` where there is none. Without a head it throws
 * `RelayError` `refused`, else what `writeHead` throws, with the response fit for another head.
 */
export function giveHead(response: ServerResponse, head: RelayHead | undefined, hasBody: boolean): BodyDelimiter {
  if (head === undefined) throw new RelayError('refused', 'the response was refused by onHead');
  const statusMessage = SENDABLE.test(head.statusMessage) ? head.statusMessage : STATUS_CODES[head.status] ?? '';
  response.strictContentLength = true;
  try {
    response.writeHead(head.status, statusMessage, head.rawHeaders);
  } catch (error) {
    // writeHead remembers a reason even if it then refuses a field.
    response.statusMessage = '';
    throw error;
  }
  if (!hasBody || head.status === 204 || head.status === 304) return 'none';
  return response.chunkedEncoding || hasContentLength(head.rawHeaders) ? 'framed' : 'close';
}
