import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { directChunksOf } from './direct-chunks.ts';
import { expectHead, shortenHead, takeFields } from './short-head.ts';
import { disableShortcut, isDisabled } from './shortcuts.ts';

const bufferedPush = Reflect.get(Readable.prototype, 'push') as (this: Socket, chunk: Buffer | null, encoding?: BufferEncoding) => boolean;
const bufferedRead = Reflect.get(Readable.prototype, 'read') as (this: Socket, size?: number) => Buffer | null;

/** The socket whose bytes are being read, and its chunk until it is read. One at a time: undici's parsers share their memory. */
let current: Socket | undefined;
let fresh: Buffer | undefined;
/** The same, and still known when it has been read. */
let whole: Buffer | undefined;

/**
 * `push()` emits `readable` at once and `read()` returns the chunk, bypassing the stream buffer, as `node:http` does for its own sockets. Equivalent
 * to the stream's methods; 2.5 % less CPU time for a request with 1 KB of response (docs/decisions/0005). The stream buffer is used while
 * undici is paused, and behind bytes that it has put back.
 *
 * Call it when undici has taken the socket. Where it does not listen for `readable`, or the socket has a `push` of its own, the socket is left
 * as it is and the shortcut is off. Returns whether the buffer is bypassed.
 */
export function bypassReadBuffer(socket: Socket): boolean {
  // HTTP/2 reads beneath the stream.
  if (isDisabled('bypass_read_buffer') || (socket instanceof TLSSocket && socket.alpnProtocol === 'h2')) return false;
  if (socket.listenerCount('readable') === 0) {
    disableShortcut('bypass_read_buffer', 'undici does not listen for `readable`');
    return false;
  }
  if (Reflect.get(socket, 'push') !== bufferedPush) {
    disableShortcut('bypass_read_buffer', 'the socket has a `push` of its own');
    return false;
  }
  Object.assign(socket, METHODS);
  return true;
}

/** The same for all sockets: a pair of functions for each would add to the memory of an open stream. */
const METHODS = {
  push(this: Socket, chunk: Buffer | null, encoding?: BufferEncoding): boolean { return push(this, chunk, encoding); },
  read(this: Socket, size?: number): Buffer | null { return read(this, size); },
};

/** Whether bytes of this socket are being read in this call. */
export function isReading(socket: Socket): boolean {
  return current === socket;
}

/** What is being read of this socket in this call: all of it, also what was taken already. */
export function currentRead(socket: Socket): Buffer | undefined {
  return current === socket ? whole : undefined;
}

/** Called by Node with each chunk that was read from the connection, and with `null` at its end. */
function push(socket: Socket, chunk: Buffer | null, encoding?: BufferEncoding): boolean {
  if (chunk === null || current !== undefined || socket.readableLength > 0) return bufferedPush.call(socket, chunk, encoding);
  const direct = directChunksOf(socket);
  let unread: Buffer | undefined = chunk;
  current = socket;
  try {
    const taken = direct?.isBetweenChunks === true ? direct.takeFrom(socket, chunk) : 0;
    if (taken === chunk.length) return true;
    if (taken > 0) unread = chunk.subarray(taken);
    whole = fresh = unread;
    if (direct !== undefined) direct.dataEnd = -1;
    socket.emit('readable');
    unread = fresh;
    // The first response of a connection makes its `direct` while its head is read, with which its first chunk may have come.
    if (unread === undefined) (direct ?? directChunksOf(socket))?.endRead(whole);
  } finally {
    current = undefined;
    fresh = undefined;
    whole = undefined;
    // Those of a head that undici has refused.
    takeFields();
  }
  return unread === undefined || socket.destroyed || bufferedPush.call(socket, unread, encoding);
}

function read(socket: Socket, size?: number): Buffer | null {
  const direct = directChunksOf(socket);
  // Whatever undici reads moves its parser.
  if (direct !== undefined) direct.isBetweenChunks = false;
  if (current !== socket || size !== undefined || socket.readableLength > 0) {
    const buffered = bufferedRead.call(socket, size);
    // What begins in the buffer is parsed from there to its end.
    if (buffered !== null) expectHead(socket, false);
    return buffered;
  }
  const chunk = fresh;
  // undici reads until there is no more: first the short form of a head, then what came behind it.
  const head = chunk === undefined ? undefined : shortenHead(socket, chunk);
  if (chunk !== undefined && head !== undefined) {
    fresh = head.bodyStart < chunk.length ? chunk.subarray(head.bodyStart) : undefined;
    return head.short;
  }
  fresh = undefined;
  // The stream's own `read` would start reading from the connection; it is being read already.
  return chunk ?? null;
}
