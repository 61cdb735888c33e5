import type { Socket } from 'node:net';
import type { InboundLimits } from './inbound-limits.ts';
import { stopParsing } from './stop-parsing.ts';

const LINGERING = Symbol('lingering');

type LingeringSocket = Socket & { [LINGERING]?: boolean };

/** Whether the connection was closed on our side and only throws away what still arrives. */
export function isLingering(socket: object): boolean {
  return (socket as LingeringSocket)[LINGERING] === true;
}

/**
 * Makes a connection close so that its last response is not lost. Node destroys a socket as soon as that response is written;
 * a client that still sends gets a reset, and may never read the answer (RFC 9112 section 9.6). Here the write side is closed,
 * and the rest is read and thrown away, unparsed, until the client closes, is silent, or has used up its time.
 */
export function lingerOnClose(socket: Socket, limits: InboundLimits): void {
  socket.destroySoon = () => startLingering(socket, limits);
}

/** Closes the write side now and lingers. */
export function startLingering(socket: Socket, { lingerIdleMs, lingerMs }: InboundLimits): void {
  if (isLingering(socket) || socket.destroyed) return;
  (socket as LingeringSocket)[LINGERING] = true;
  socket.end();
  stopParsing(socket);
  let seenBytes = socket.bytesRead;
  let leftMs = lingerMs;
  const watch = setInterval(() => {
    leftMs -= lingerIdleMs;
    if (socket.bytesRead === seenBytes || leftMs <= 0) socket.destroy();
    seenBytes = socket.bytesRead;
  }, lingerIdleMs);
  socket.once('close', () => clearInterval(watch));
}
