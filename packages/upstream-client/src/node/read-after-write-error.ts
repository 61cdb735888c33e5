import { Socket } from 'node:net';
import { errorCode } from '../thrown.ts';

type Done = (error?: Error | null) => void;

/** How a socket is given bytes to send; its declared type leaves the methods out. */
interface Writer {
  _write(chunk: unknown, encoding: BufferEncoding, done: Done): void;
  _writev(chunks: unknown, done: Done): void;
}

const { _write: write, _writev: writev } = Socket.prototype as unknown as Writer;

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
  _write(this: Writer, chunk: unknown, encoding: BufferEncoding, done: Done): void { write.call(this, chunk, encoding, unlessGone(done)); },
  _writev(this: Writer, chunks: unknown, done: Done): void { writev.call(this, chunks, unlessGone(done)); },
};

function unlessGone(done: Done): Done {
  return (error) => { if (!PEER_IS_GONE.has(errorCode(error))) done(error); };
}
