import type { Socket } from 'node:net';
import { ConnectionQueue } from './connection-queue.ts';
import { InboundConnection, type PlacesOfConnection } from './inbound-connection.ts';
import type { KeepAliveTimes } from './inbound-limits.ts';

/** What a listener without a free place did with a new connection: it closed an idle one for it, or the new one itself. */
export type FullListenerAction = 'closed_idle' | 'refused';

/** The options of `ConnectionPlaces`. */
export interface ConnectionPlacesOptions {
  readonly maxConnections: number;
  readonly times: KeepAliveTimes;
  /** Whether the peer is a proxy that may keep its connections as if they were authenticated. */
  readonly isTrusted: (socket: Socket) => boolean;
  readonly onFull: (action: FullListenerAction) => void;
}

/**
 * The places of one listener. When all are taken, a new connection gets the place of the one that has had no open request for the
 * longest time: first of those that never authenticated (silent ones and heads that never end among them), then of the others. A
 * connection with an open request never gives way; where all have one, the new connection is closed. nginx does the same with its
 * reusable connections.
 */
export class ConnectionPlaces implements PlacesOfConnection {
  readonly #options: ConnectionPlacesOptions;
  readonly #strangers = new ConnectionQueue<InboundConnection>();
  readonly #authenticated = new ConnectionQueue<InboundConnection>();
  #taken = 0;

  constructor(options: ConnectionPlacesOptions) {
    this.#options = options;
  }

  /** Gives a new connection its place. `undefined`: there was none, and the socket is destroyed. */
  take(socket: Socket): InboundConnection | undefined {
    const { maxConnections, times, isTrusted, onFull } = this.#options;
    if (this.#taken >= maxConnections) {
      const idle = this.#strangers.first ?? this.#authenticated.first;
      onFull(idle === undefined ? 'refused' : 'closed_idle');
      if (idle === undefined) {
        socket.destroy();
        return undefined;
      }
      this.leave(idle);
      idle.socket.destroy();
    }
    this.#taken += 1;
    const connection = new InboundConnection(socket, this, times);
    connection.isAuthenticated = isTrusted(socket);
    this.mayGiveWay(connection);
    return connection;
  }

  /** Called when a connection has no open request. */
  mayGiveWay(connection: InboundConnection): void {
    // A connection that only lingers is of no use to its client any more.
    const queue = connection.isAuthenticated && !connection.isLingering ? this.#authenticated : this.#strangers;
    queue.append(connection);
  }

  /** Called when a connection was closed; its place is given back once. */
  leave(connection: InboundConnection): void {
    if (!connection.hasPlace) return;
    connection.hasPlace = false;
    connection.queue?.remove(connection);
    this.#taken -= 1;
  }
}
