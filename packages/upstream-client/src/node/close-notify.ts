import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isReading } from '../undici/bypass-read-buffer.ts';

/** Knows whether the peer itself ended a TLS connection. */
export interface TlsEnd {
  /** Whether the end that came was its close_notify alert (RFC 8446 section 6.1); a FIN can be forged on the network. */
  readonly isAuthentic: boolean;
  /** Ends the watch. */
  stop(): void;
}

/** The TLS socket whose `readable` listeners run, where its stream buffer is not bypassed. */
let marked: Socket | undefined;

/** Lets `watchTlsEnd` know that bytes are being read in the turn in which they came, for a socket whose stream buffer is not bypassed. */
export function markReads(socket: Socket): void {
  if (!(socket instanceof TLSSocket)) return;
  socket.prependListener('readable', () => { marked = socket; });
  socket.on('readable', () => { marked = undefined; });
}

/** What is not declared of a TLS socket: the connection underneath. */
interface NativeParts {
  readonly _handle?: { readonly _parent?: { readonly bytesRead?: unknown } } | null;
}

/**
 * Watches a TLS connection for its end. Node reports a close_notify and a bare FIN alike, as `end`; but the alert is bytes, which arrive
 * in the turn of the event loop in which the end is reported, while the operating system reports a FIN in a turn of its own, after
 * the last bytes. Where the bytes of the connection underneath cannot be counted, no end is authentic.
 */
export function watchTlsEnd(socket: TLSSocket): TlsEnd {
  return new EndWatch(socket);
}

type Push = (this: TLSSocket, chunk: unknown, encoding?: BufferEncoding) => boolean;

class EndWatch implements TlsEnd {
  isAuthentic = false;
  private readonly socket: TLSSocket;
  /** What had arrived when the last turn of the event loop ended. */
  private before: number;
  private turn: NodeJS.Immediate | undefined;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    // The bytes that are being read now came in this turn.
    this.before = isReading(socket) || marked === socket ? -1 : bytesUnder(socket);
    this.nextTurn();
    const push = Reflect.get(socket, 'push') as Push;
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) this.isAuthentic = bytesUnder(socket) > this.before;
      return push.call(socket, chunk, encoding);
    };
  }

  stop(): void {
    clearImmediate(this.turn);
  }

  /** Not referenced: it runs once a turn, and makes none happen. */
  private nextTurn(): void {
    this.turn = setImmediate(endTurn, this).unref();
  }

  endTurn(): void {
    this.before = bytesUnder(this.socket);
    if (!this.socket.destroyed) this.nextTurn();
  }
}

function endTurn(watch: EndWatch): void {
  watch.endTurn();
}

/** Bytes that arrived on the connection under TLS; what makes no end authentic where they are not counted. */
function bytesUnder(socket: TLSSocket): number {
  const bytes = (socket as unknown as NativeParts)._handle?._parent?.bytesRead;
  return typeof bytes === 'number' ? bytes : Number.NaN;
}
