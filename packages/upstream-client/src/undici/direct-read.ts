import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

const buffer = Readable.prototype.push;
const readBuffered = Readable.prototype.read;

/** The socket whose bytes are being read, and those that were not taken yet. One at a time: undici's parsers share their memory. */
let current: Socket | undefined;
let fresh: Buffer | undefined;

/**
 * Has whoever listens for `readable` read bytes in the call in which the operating system gave them, as `node:http` does. A stream would keep
 * them, tell of them later in the turn and then be asked until it has none, which was a fortieth of what a small request costs. What is not
 * taken at once goes that way: while the reader pauses, and behind what it has put back.
 */
export function readDirectly(socket: Socket): void {
  Object.assign(socket, { push, read });
}

/** Called by Node for each piece that was read from the connection, and with `null` at its end. */
function push(this: Socket, chunk: Buffer | null, encoding?: BufferEncoding): boolean {
  if (chunk === null || current !== undefined || this.readableLength > 0) return buffer.call(this, chunk, encoding);
  current = this;
  fresh = chunk;
  let untaken: Buffer | undefined;
  try {
    this.emit('readable');
  } finally {
    untaken = fresh;
    current = undefined;
    fresh = undefined;
  }
  return untaken === undefined || this.destroyed || buffer.call(this, untaken, encoding);
}

function read(this: Socket, size?: number): unknown {
  if (current !== this || size !== undefined || this.readableLength > 0) return readBuffered.call(this, size);
  const taken = fresh;
  fresh = undefined;
  // A stream that is asked in vain sees to it that more comes; here it does by itself.
  return taken ?? null;
}
