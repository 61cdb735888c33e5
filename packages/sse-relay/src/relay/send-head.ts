import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { RelayHead } from './relay-options.ts';
import { hasContentLength } from './response-description.ts';

const EMPTY = Buffer.alloc(0);
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Writes a head and sends it at once. Returns whether only the end of the connection will end the body for this client
 * (HTTP/1.0). Throws what `writeHead` throws, with the response fit for another head.
 */
export function sendHead(response: ServerResponse, head: RelayHead, hasBody: boolean): boolean {
  const statusMessage = SENDABLE.test(head.statusMessage) ? head.statusMessage : STATUS_CODES[head.status] ?? '';
  response.strictContentLength = true;
  try {
    response.writeHead(head.status, statusMessage, head.rawHeaders);
  } catch (error) {
    // writeHead remembers a reason even if it then refuses a field.
    response.statusMessage = '';
    throw error;
  }
  if (!hasBody || head.status === 204 || head.status === 304) return false;
  // An empty write sends the head and keeps latin1 bytes; flushHeaders() would send them as UTF-8.
  response.write(EMPTY);
  return !response.chunkedEncoding && !hasContentLength(head.rawHeaders);
}
