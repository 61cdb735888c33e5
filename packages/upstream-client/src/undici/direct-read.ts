import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

const buffer = Reflect.get(Readable.prototype, 'push') as (this: Socket, chunk: Buffer | null, encoding?: BufferEncoding) => boolean;
const readBuffered = Reflect.get(Readable.prototype, 'read') as (this: Socket, size?: number) => Buffer | null;

/** The socket whose bytes are being read, and those that were not taken yet. One at a time: undici's parsers share their memory. */
let current: Socket | undefined;
let fresh: Buffer | undefined;

/**
 * Has whoever listens for `readable` read bytes in the call in which the operating system gave them, as `node:http` does. A stream would keep
 * them, tell of them later in the turn and then be asked until it has none, which was a fortieth of what a small request costs. What is not
 * taken at once goes that way: while the reader pauses, and behind what it has put back.
 */
export function readDirectly(socket: Socket): void {
  Object.assign(socket, METHODS);
}

/** The same for all sockets: one of each would count in the memory of an open stream. */
const METHODS = {
  push(this: Socket, chunk: Buffer | null, encoding?: BufferEncoding): boolean { return push(this, chunk, encoding); },
  read(this: Socket, size?: number): Buffer | null { return read(this, size); },
};

/** Whether bytes of this socket are being read in this call. */
export function isReading(socket: Socket): boolean {
  return current === socket;
}

/** Called by Node for each piece that was read from the connection, and with `null` at its end. */
function push(socket: Socket, chunk: Buffer | null, encoding?: BufferEncoding): boolean {
  if (chunk === null || current !== undefined || socket.readableLength > 0) return buffer.call(socket, chunk, encoding);
  current = socket;
  fresh = chunk;
  let untaken: Buffer | undefined;
  try {
    socket.emit('readable');
  } finally {
    untaken = fresh;
    current = undefined;
    fresh = undefined;
  }
  return untaken === undefined || socket.destroyed || buffer.call(socket, untaken, encoding);
}

function read(socket: Socket, size?: number): Buffer | null {
  if (current !== socket || size !== undefined || socket.readableLength > 0) return readBuffered.call(socket, size);
  const taken = fresh;
  fresh = undefined;
  // A stream that is asked in vain sees to it that more comes; here it does by itself.
  return taken ?? null;
}
