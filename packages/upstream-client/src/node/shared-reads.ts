import { Buffer } from 'node:buffer';
import type { OnReadOpts, Socket } from 'node:net';

/** Node reads at most this many bytes at once into a buffer of its own, too. */
const READ_BYTES = 65_536;

/**
 * The `onread` option of sockets that share one read buffer. Node allocates 64 KB for each read of a socket without it, and then an `ArrayBuffer` of the
 * size that came; here what came is copied into Node's pool. The buffer is free again when `take` returns from its first line, so that sockets whose
 * reads nest (TLS reads while it writes) can share it. Made once for each connector (docs/decisions/0017).
 */
export function sharedReads(): OnReadOpts {
  return { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: take };
}

/** Node calls it as a method of the socket, and stops reading when it returns false: what `push` returns. */
function take(this: Socket, length: number, shared: Buffer): boolean {
  const chunk = Buffer.allocUnsafe(length);
  shared.copy(chunk, 0, 0, length);
  return this.push(chunk);
}
