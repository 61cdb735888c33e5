import type { Socket } from 'node:net';
import { performance, type EventLoopUtilization } from 'node:perf_hooks';

/** The round trip of one connection, once it is made. */
export interface RoundTrip {
  ms: number | undefined;
}

/** The event loop must have waited for so much of the time: what it did otherwise makes a round trip look longer. */
const WAITING_PART = 0.5;

/**
 * Measures the TCP handshake of a socket that begins to connect: one round trip, without names and TLS. What counts is the time in which the
 * event loop waited, all of which passed before the handshake was over; a handshake while the loop was busy is not measured.
 */
export function measureRoundTrip(socket: Socket): RoundTrip {
  const measured: RoundTrip = { ms: undefined };
  let begun: { readonly at: number; readonly loop: EventLoopUtilization } | undefined;
  // The latest of several addresses: of two that are tried at once it is the shorter time.
  const begin = (): void => { begun = { at: performance.now(), loop: performance.eventLoopUtilization() }; };
  socket.on('connectionAttempt', begin);
  socket.once('connect', () => {
    // The connection outlives its handshake by hours, and what is measured of it does not have to.
    socket.off('connectionAttempt', begin);
    if (begun === undefined) return;
    const { idle } = performance.eventLoopUtilization(begun.loop);
    if (idle >= (performance.now() - begun.at) * WAITING_PART) measured.ms = idle;
  });
  return measured;
}
