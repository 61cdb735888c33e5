import { Socket } from 'node:net';
import { errorCode } from '../thrown.ts';

type Done = (error?: Error | null) => void;

type Write = (this: Socket, chunk: unknown, encoding: BufferEncoding, done: Done) => void;
type WriteMany = (this: Socket, chunks: unknown, done: Done) => void;

/** How a socket is given bytes to send; its declared type leaves the methods out. */
const write = Reflect.get(Socket.prototype, '_write') as Write;
const writeMany = Reflect.get(Socket.prototype, '_writev') as WriteMany;

/** Errors of a write to a connection that its peer closed or reset. */
const PEER_IS_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * Has a socket read on after a write that failed because the peer is gone: it may have answered before it closed, as servers do that refuse a
 * large body (RFC 9112 section 9.6 asks them to linger, and many do not), and the answer waits in the operating system. Node would
 * destroy the socket at once. The write stays unfinished instead: the reading side ends the connection when nothing is left.
 */
export function readAfterWriteError(socket: Socket): void {
  Object.assign(socket, METHODS);
}

const METHODS = {
  _write(this: Socket, chunk: unknown, encoding: BufferEncoding, done: Done): void { write.call(this, chunk, encoding, unlessGone(done)); },
  _writev(this: Socket, chunks: unknown, done: Done): void { writeMany.call(this, chunks, unlessGone(done)); },
};

function unlessGone(done: Done): Done {
  return (error) => { if (!PEER_IS_GONE.has(errorCode(error))) done(error); };
}
