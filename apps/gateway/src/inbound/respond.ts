import type { IncomingMessage, ServerResponse } from 'node:http';

/** A whole response of the gateway's own. */
export interface WholeResponse {
  readonly status: number;
  /** Flat names and values, without framing fields. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const LINGER_MS = 2_000;
const KEEP_ALIVE_UNREAD_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * Writes a whole response and resolves with the body bytes written when the response is over, however it ended.
 *
 * A client that is still sending its body may not read an answer that is followed by a reset. So the whole answer goes out at
 * once, delimited by its length, and the connection lingers up to two seconds while the rest of the body is thrown away.
 */
export function respond(request: IncomingMessage, response: ServerResponse, whole: WholeResponse): Promise<number> {
  if (response.destroyed || response.headersSent) return Promise.resolve(0);
  const body = request.method === 'HEAD' ? EMPTY : whole.body;
  const closes = !request.complete && !isSmallRest(request);
  const headers = [...whole.headers, 'content-length', String(whole.body.length)];
  if (closes && !headers.includes('connection')) headers.push('connection', 'close');
  return new Promise((resolve) => {
    response.once('close', () => resolve(response.writableFinished ? body.length : 0));
    response.writeHead(whole.status, headers);
    if (!closes || request.method === 'HEAD') {
      // A HEAD response refuses even an empty body.
      if (body.length === 0) response.end();
      else response.end(body);
      return;
    }
    response.write(body.length === 0 ? EMPTY : body);
    const finish = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(finish, LINGER_MS);
    request.once('end', finish);
    request.once('close', finish);
    request.resume();
  });
}

/** A short announced body is read to its end by Node after the response, and the connection can be kept. */
function isSmallRest(request: IncomingMessage): boolean {
  const announced = request.headers['content-length'];
  if (announced === undefined) return request.headers['transfer-encoding'] === undefined;
  return Number(announced) <= KEEP_ALIVE_UNREAD_BYTES && request.headers.expect === undefined;
}
