import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** A write that the operating system has not taken whole: Node's `WriteWrap`. */
interface WriteRequest {
  /** Keeps the bytes alive until they are written. */
  buffer?: Uint8Array;
  oncomplete?: (status: number) => void;
  /** Set where the write ended before `oncomplete` was. */
  writeStatus?: number | null;
}

/** Node's own end of a connection; it writes at once, and returns 0, the number of an error, or the request of a write that goes on. */
interface Handle {
  writeBuffer: (request: null, bytes: Uint8Array) => number | WriteRequest;
}

/** What is not declared of a socket. */
interface NativeParts {
  readonly _handle?: Handle | null;
  readonly timeout?: number;
}

/** From this size on a stream would ask its writer to stop; the smallest limit of a supported version is 16 KB. */
const MAX_BYTES = 16_383;
/** Ends of connections that write at once; TLS never does. */
const PLAIN_HANDLES: ReadonlySet<string> = new Set(['TCP', 'Pipe']);
/** The methods through which a socket passes what is written to it. */
const METHODS = ['write', '_write', '_writeGeneric'] as const;

/** Whether this Node makes a request only for what is not written at once (26.10 does, 22 and 24 make one for every write), known from the first write. */
let canWrite: boolean | undefined;
/** Sockets whose latest write the operating system has not taken whole: what comes now waits in their streams, which count it. */
const late = new Set<Socket>();

/** Whether `writeAtOnce` may be used for a socket: it is not TLS, and nothing has replaced the methods that see its bytes. */
export function canWriteAtOnce(socket: Socket): boolean {
  const { _handle: handle }: NativeParts = socket;
  return canWrite !== false && PLAIN_HANDLES.has(handle?.constructor.name ?? '') && METHODS.every((name) => Reflect.get(socket, name) === Reflect.get(Socket.prototype, name));
}

/**
 * Writes to the connection of a socket, bypassing the stream, which for each write makes several objects and a callback at the end of the turn. Returns
 * false, and has written nothing, where the stream must write: bytes wait in it, it is corked or ends, its timeout counts writes, or it failed.
 *
 * What the operating system does not take at once waits in Node's own queue, in front of all that the stream is given later (docs/decisions/0022): at most
 * one write of a socket.
 */
export function writeAtOnce(socket: Socket, bytes: Uint8Array): boolean {
  if (late.size > 0 && late.has(socket)) return false;
  if (socket.writableLength > 0 || socket.writableCorked > 0 || socket.writableEnded || bytes.length > MAX_BYTES) return false;
  const { _handle: handle, timeout }: NativeParts = socket;
  if (handle === undefined || handle === null || (timeout !== undefined && timeout > 0)) return false;
  if (canWrite !== true) return canWrite === undefined && watchFirstWrite(socket, handle, bytes);
  const result = handle.writeBuffer(null, bytes);
  if (typeof result === 'number') return result === 0;
  finishLater(socket, bytes, result);
  return true;
}

/** Whether bytes that `writeAtOnce` took wait for the operating system; `writableLength` does not count them. */
export function isWriteLate(socket: Socket): boolean {
  return late.has(socket);
}

/** Has the stream write once, and learns from it how this Node writes. Returns whether it did. */
function watchFirstWrite(socket: Socket, handle: Handle, bytes: Uint8Array): boolean {
  const { writeBuffer } = handle;
  let request: unknown;
  let result: unknown;
  handle.writeBuffer = (given: unknown, written) => {
    request = given;
    const dispatched = writeBuffer.call(handle, given as null, written);
    result = dispatched;
    return dispatched;
  };
  socket.write(bytes);
  Reflect.deleteProperty(handle, 'writeBuffer');
  canWrite = request === null && (typeof result === 'number' || (typeof result === 'object' && result !== null));
  const isOlder = typeof request === 'object' && request !== null;
  if (!canWrite && !isOlder) process.emitWarning('@penstock/sse-relay: shortcut write_at_once is off: Node writes in another way', { type: 'PenstockWarning', code: 'PENSTOCK_SHORTCUT_DISABLED' });
  return true;
}

function finishLater(socket: Socket, bytes: Uint8Array, request: WriteRequest): void {
  const end = (status: number): void => {
    late.delete(socket);
    if (status >= 0 || socket.destroyed) return;
    const code = getSystemErrorName(status);
    socket.destroy(Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' }));
  };
  late.add(socket);
  request.buffer = bytes;
  request.oncomplete = end;
  // It ended before anybody could listen.
  if (typeof request.writeStatus === 'number') end(request.writeStatus);
}
