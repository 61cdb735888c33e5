import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Client } from 'undici';
import type { ResolvedLimits } from '../options.ts';
import { markReads } from '../node/close-notify.ts';
import { bypassReadBuffer } from '../undici/bypass-read-buffer.ts';
import { isIdleExpiry, isNotKeptAlive, isUnsolicited } from '../undici/quirks.ts';
import { skipUnexpectedContinue } from '../undici/unexpected-continue.ts';
import { joinReasonPhrase } from '../undici/whole-reason.ts';
import { Client as UndiciClient } from '../undici/undici-parts.ts';
import type { DisconnectReason } from '../upstream-events.ts';
import type { Slot } from './slot.ts';

/** Options that all undici clients of one upstream share. */
export interface OpenClientOptions {
  /** One object for all: a client made from text would parse it and keep a URL of its own. */
  readonly origin: URL;
  readonly allowH2: boolean;
  readonly limits: ResolvedLimits;
  /** Leaves the methods of the socket as they are, where undici works without. */
  readonly isPlain: boolean;
  /** Called when the connection is gone, perhaps twice. */
  readonly onClosed: (slot: Slot, socket: Socket) => void;
}

/** The error undici gets when it wants to reconnect: a slot makes its own connections, so that each one is counted. */
class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone';
  readonly code = 'ERR_PENSTOCK_CONNECTION_GONE';
}

/** Why an undici connection ended that this package did not end. */
function disconnectReason(slot: Slot, error: Error): DisconnectReason {
  if (isIdleExpiry(error)) return 'idle_expired';
  if (isNotKeptAlive(error)) return 'not_kept_alive';
  if (slot.state === 'active') return 'failed';
  return isUnsolicited(error) ? 'unsolicited' : 'upstream_closed';
}

/** Wraps a connected socket in an undici `Client` that serves one request at a time and never makes another connection. */
export function openClient(slot: Slot, socket: Socket, expiryMs: number, { origin, allowH2, limits, isPlain, onClosed }: OpenClientOptions): Client {
  let fresh: Socket | undefined = socket;
  const client = new UndiciClient(origin, {
    pipelining: 1,
    allowH2,
    useMilo: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: expiryMs,
    keepAliveMaxTimeout: expiryMs,
    keepAliveTimeoutThreshold: 1_000,
    maxHeaderSize: limits.maxHeaderBytes,
    connect: (_options, callback) => {
      const taken = fresh;
      fresh = undefined;
      // undici must be called back later: inside its own turn it would not notice.
      queueMicrotask(() => {
        if (taken === undefined || taken.destroyed) callback(new ConnectionGone('the connection of this slot is gone'), null);
        else callback(null, taken);
      });
    },
  });
  // Without a listener, an error in a caller's handler would take the process down.
  EventEmitter.prototype.on.call(client, 'error', () => undefined);
  client.on('disconnect', (_origin, _targets, error) => {
    slot.closeReason ??= disconnectReason(slot, error);
    onClosed(slot, socket);
  });
  // undici takes a reset for the end of a body that the end of its connection delimits; `Exchange` reads the error instead.
  socket.prependListener('error', (error) => { slot.socketError = error; });
  // After undici's own listener, which runs first and may have found the end of the head: what is left is too much.
  client.once('connect', () => {
    if (isPlain || !bypassReadBuffer(socket)) markReads(socket);
    skipUnexpectedContinue(socket);
    joinReasonPhrase(socket);
    socket.on('readable', () => {
      if (!slot.awaitsHead) return;
      if (slot.headBytesFrom < 0) slot.headBytesFrom = socket.bytesRead;
      else if (socket.bytesRead - slot.headBytesFrom > limits.maxHeadBytes) slot.holder?.onHeadOverflow();
    });
  });
  // undici reports the end of the sockets that it has taken; this covers one that ended before.
  socket.once('close', () => { setImmediate(onClosed, slot, socket); });
  return client;
}
