import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { parseMessage, type MessageContext, type WireMessage } from './http-message.ts';

/** How the peer ended a connection; `open` while it has not. */
export type ConnectionEnd = 'open' | 'fin' | 'reset';

/** One TCP connection as a test sees it: bytes out, bytes in, and how it ended. */
export interface RawConnection {
  readonly socket: Socket;
  /** Every byte that arrived so far, those already read as messages included. */
  received(): Buffer;
  /** How the peer ended the connection. */
  end(): ConnectionEnd;
  /** Writes bytes (a string is latin1) and returns at once. */
  send(bytes: string | Uint8Array): void;
  /** Waits until `predicate` is true of what arrived since the last message; rejects when the connection ends first or `timeoutMs` passes. */
  waitFor(predicate: (unread: Buffer) => boolean, timeoutMs?: number): Promise<Buffer>;
  /** Reads the next whole message and removes it from what is unread. A truncated one is returned with `complete: false` once the peer has ended. */
  readMessage(context: MessageContext, timeoutMs?: number): Promise<WireMessage>;
  /** Resolves when both directions are closed. */
  closed(): Promise<ConnectionEnd>;
  /** Sends RST. */
  reset(): void;
  /** Destroys the connection. */
  close(): void;
}

const DEFAULT_WAIT_MS = 45_000;

/** Wraps a connected socket; used on both the client's and the scripted upstream's side. */
export function wrapSocket(socket: Socket): RawConnection {
  const chunks: Buffer[] = [];
  let consumed = 0;
  let ended: ConnectionEnd = 'open';
  let isClosed = socket.destroyed;
  const listeners = new Set<() => void>();
  const notify = (): void => { for (const listener of listeners) listener(); };
  socket.on('data', (chunk) => { chunks.push(Buffer.from(chunk)); notify(); });
  socket.on('end', () => { if (ended === 'open') ended = 'fin'; notify(); });
  socket.on('error', () => { ended = 'reset'; notify(); });
  socket.on('close', () => { isClosed = true; notify(); });
  const received = (): Buffer => Buffer.concat(chunks);
  const unread = (): Buffer => received().subarray(consumed);

  const waitUntil = <T>(attempt: () => T | undefined, what: string, timeoutMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error(`waited ${timeoutMs} ms for ${what}; received ${JSON.stringify(unread().toString('latin1').slice(0, 400))}`)), timeoutMs);
      const settle = (error: unknown, value?: T): void => {
        clearTimeout(timer);
        listeners.delete(check);
        if (error === undefined) resolve(value as T); else reject(error);
      };
      const check = (): void => {
        try {
          const value = attempt();
          if (value !== undefined) settle(undefined, value);
        } catch (error) {
          settle(error);
        }
      };
      listeners.add(check);
      check();
    });

  return {
    socket, received,
    end: () => ended,
    send: (bytes) => { socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes); },
    waitFor: (predicate, timeoutMs = DEFAULT_WAIT_MS) => waitUntil(() => {
      if (predicate(unread())) return unread();
      if (isClosed || ended !== 'open') throw new Error(`connection ended (${ended}) after ${JSON.stringify(unread().toString('latin1').slice(0, 400))}`);
      return undefined;
    }, 'bytes', timeoutMs),
    readMessage: (context, timeoutMs = DEFAULT_WAIT_MS) => waitUntil(() => {
      const isOver = isClosed || ended !== 'open';
      const message = parseMessage(unread(), { ...context, ended: ended === 'fin' });
      if (message === undefined || (!message.complete && !isOver)) {
        if (isOver) throw new Error(`connection ended (${ended}) before a whole head: ${JSON.stringify(unread().toString('latin1').slice(0, 400))}`);
        return undefined;
      }
      consumed += message.bytes.length;
      return message;
    }, `a whole ${context.kind}`, timeoutMs),
    closed: async () => {
      if (!isClosed) await once(socket, 'close').catch(() => undefined);
      return ended;
    },
    reset: () => { socket.resetAndDestroy(); },
    close: () => { socket.destroy(); },
  };
}

/** Opens a raw connection to a loopback port. */
export async function openRawConnection(port: number, host = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect({ port, host, noDelay: true });
  await once(socket, 'connect');
  return wrapSocket(socket);
}

/**
 * The same, read a byte at a time. Below Node 26 a read that leaves room in its buffer takes an RST which came with the bytes for a FIN
 * (libuv asks for no more once the other end has hung up); a buffer that is always full asks again, and is told.
 */
export async function openAttentiveConnection(port: number, host = '127.0.0.1'): Promise<RawConnection> {
  const callback = (bytes: number, buffer: Uint8Array): boolean => socket.emit('data', Buffer.from(buffer.subarray(0, bytes)));
  const socket: Socket = connect({ port, host, noDelay: true, onread: { buffer: Buffer.alloc(1), callback } });
  await once(socket, 'connect');
  return wrapSocket(socket);
}

/** Sends bytes on a connection of its own and returns the one response, then closes. */
export async function sendRawRequest(port: number, bytes: string | Uint8Array, context: Partial<MessageContext> = {}): Promise<WireMessage> {
  const connection = await openRawConnection(port);
  try {
    connection.send(bytes);
    return await connection.readMessage({ kind: 'response', ...context });
  } finally {
    connection.close();
  }
}
