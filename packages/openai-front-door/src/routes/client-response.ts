import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { FrontDoorError } from '../errors/front-door-error.ts';

/** The client's side of one exchange: counts what is written and waits for a client that reads slowly, but not for ever. */
export interface ClientResponse {
  readonly headSent: () => boolean;
  /** The status on the wire; 0 while there is none. */
  readonly status: () => number;
  readonly bytes: () => number;
  writeHead(status: number, headers: readonly string[]): void;
  /** Sends the head although no byte of the body is there yet. */
  flushHead(): void;
  /** Resolves when there is room for more; throws `client_stalled` or `client_gone`. */
  write(chunk: string | Uint8Array): Promise<void> | undefined;
  /** Writes without waiting, where the client is reading; `false` where it is not. */
  writeIfReading(chunk: string): boolean;
  /** Ends the response and resolves when the client's socket took all of it, or is gone. */
  end(chunk?: string | Uint8Array): Promise<void>;
  /** Breaks the response so that no client takes it for whole. */
  destroy(): void;
}

function gone(): FrontDoorError {
  return new FrontDoorError('client_gone', 'The client left before its answer was complete.');
}

/** Waits until the response took what was written. */
function untilDrained(response: ServerResponse, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: FrontDoorError): void => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      response.off('close', onClose);
      if (error === undefined) resolve(); else reject(error);
    };
    const onDrain = (): void => { settle(); };
    const onClose = (): void => { settle(gone()); };
    const timer = setTimeout(() => { settle(new FrontDoorError('client_stalled', 'The client did not read its answer.')); }, stallMs);
    response.on('drain', onDrain);
    response.on('close', onClose);
  });
}

/** Waits until an ended response was flushed or its socket closed; false when the client stalled. */
function untilClosed(response: ServerResponse, stallMs: number): Promise<boolean> {
  if (response.writableFinished || response.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (isClosed: boolean): void => {
      clearTimeout(timer);
      response.off('finish', onClosed);
      response.off('close', onClosed);
      resolve(isClosed);
    };
    const onClosed = (): void => { settle(true); };
    const timer = setTimeout(() => { settle(false); }, stallMs);
    response.on('finish', onClosed);
    response.on('close', onClosed);
  });
}

/** Wraps the response that Node gives; header fields set before (by the application's middleware) are kept. */
export function createClientResponse(response: ServerResponse, stallMs: number): ClientResponse {
  let bytes = 0;
  let status = 0;
  const count = (chunk: string | Uint8Array): void => { bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length; };
  // Node throws for a byte of a body where there can be none (RFC 9112 section 6.3), which would end the connection instead of the answer.
  const hasNoBody = (): boolean => response.req.method === 'HEAD' || status === 204 || status === 304;
  return {
    headSent: () => status !== 0,
    status: () => status,
    bytes: () => bytes,
    writeHead: (code, headers) => {
      const named = new Set<string>();
      for (let index = 0; index + 1 < headers.length; index += 2) {
        const name = headers[index] ?? '';
        // The first line of a name replaces what middleware set, further lines of it are added; `vary` only ever grows.
        if (named.has(name.toLowerCase()) || name.toLowerCase() === 'vary') response.appendHeader(name, headers[index + 1] ?? '');
        else response.setHeader(name, headers[index + 1] ?? '');
        named.add(name.toLowerCase());
      }
      response.writeHead(code);
      status = code;
    },
    flushHead: () => { response.flushHeaders(); },
    write: (chunk) => {
      if (response.destroyed) return Promise.reject(gone());
      if (hasNoBody()) return undefined;
      count(chunk);
      return response.write(chunk) ? undefined : untilDrained(response, stallMs);
    },
    writeIfReading: (chunk) => {
      if (response.destroyed || response.writableNeedDrain || response.writableEnded || hasNoBody()) return false;
      count(chunk);
      response.write(chunk);
      return true;
    },
    end: async (chunk) => {
      if (response.destroyed) throw gone();
      const last = hasNoBody() ? undefined : chunk;
      if (last !== undefined) count(last);
      response.end(last);
      if (!await untilClosed(response, stallMs)) throw new FrontDoorError('client_stalled', 'The client did not read its answer.');
      if (!response.writableFinished) throw gone();
    },
    destroy: () => {
      if (!hasNoBody() && isCloseDelimited(response)) reset(response);
      response.destroy();
    },
  };
}

/** Whether only the end of the connection ends the body, as for an HTTP/1.0 client: FIN would make a broken one look whole. */
function isCloseDelimited(response: ServerResponse): boolean {
  return response.headersSent && !response.chunkedEncoding && !response.hasHeader('content-length');
}

/** Sends RST where the connection has one: TLS shows a cut by the missing close_notify (RFC 8446 section 6.1), and a Unix socket cannot show it. */
function reset({ socket }: ServerResponse): void {
  if (socket === null || socket.destroyed || socket instanceof TLSSocket) return;
  try {
    socket.resetAndDestroy();
  } catch {
    // Node refuses another connection than one over TCP.
  }
}
