import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionQueue, QueuedConnection } from './connection-queue.ts';
import type { KeepAliveTimes } from './inbound-limits.ts';
import { isLingering } from './linger-on-close.ts';
import { stopParsing } from './stop-parsing.ts';

const CONNECTION = Symbol('inbound connection');

type MarkedSocket = Socket & { [CONNECTION]?: InboundConnection };

/** Node's own, which its types leave out: the milliseconds that the `Keep-Alive` field of a response announces. */
type AnnouncingResponse = ServerResponse & { _keepAliveTimeout: number };

/** Added to the time that a client is promised: a request that is sent in its last moment still arrives. */
export const KEEP_ALIVE_BUFFER_MS = 1_000;

/** The places of a listener, as one of its connections uses them. */
export interface PlacesOfConnection {
  /** The connection has no open request. */
  mayGiveWay(connection: InboundConnection): void;
  /** The connection was closed. */
  leave(connection: InboundConnection): void;
}

/** One inbound connection: how many requests are open on it, whether one was authenticated, and its place among those that may give way. */
export class InboundConnection implements QueuedConnection<InboundConnection> {
  /** Destroyed when the connection gives way: under TLS the secure socket, once there is one. */
  socket: Socket;
  /** Whether its latest request was sent before the one before it was answered. */
  isPipelined = false;
  /** Whether one of its requests was authenticated, or needed no key. */
  isAuthenticated = false;
  /** Whether it counts among the places of its listener. */
  hasPlace = true;
  /** The queue that holds it, and its neighbours there; absent while a request is open. */
  queue: ConnectionQueue<InboundConnection> | undefined;
  previous: InboundConnection | undefined;
  next: InboundConnection | undefined;
  readonly #places: PlacesOfConnection;
  readonly #times: KeepAliveTimes;
  #openRequests = 0;
  /** Bytes that had been read when the latest request arrived. */
  #bytesRead = -1;

  constructor(socket: Socket, places: PlacesOfConnection, times: KeepAliveTimes) {
    this.socket = socket;
    this.#places = places;
    this.#times = times;
    this.attach(socket);
  }

  /** The connection of a socket; absent for one that found no place. */
  static of(socket: object): InboundConnection | undefined {
    return (socket as MarkedSocket)[CONNECTION];
  }

  get isLingering(): boolean {
    return isLingering(this.socket);
  }

  /** From now on this socket is the connection's. */
  attach(socket: Socket): void {
    this.socket = socket;
    (socket as MarkedSocket)[CONNECTION] = this;
    socket.once('close', () => this.#places.leave(this));
  }

  /**
   * A request arrived. It is pipelined while a response is open, and where it was read together with the request before it, however fast
   * that one was answered. Node runs pipelined requests at the same time, which RFC 9112 section 9.3.2 allows for safe methods only; here
   * the first one is refused and nothing behind it is parsed.
   */
  requestArrived(response: ServerResponse): void {
    const { bytesRead } = this.socket;
    this.isPipelined = this.#openRequests > 0 || (bytesRead > 0 && bytesRead === this.#bytesRead);
    this.#bytesRead = bytesRead;
    this.#openRequests += 1;
    this.queue?.remove(this);
    if (!this.isAuthenticated) (response as AnnouncingResponse)._keepAliveTimeout = this.#times.unauthenticatedKeepAliveTimeoutMs;
    response.on('close', onResponseClosed);
    if (this.isPipelined) stopParsing(this.socket);
  }

  /** The request of this response was authenticated: the connection is kept longer from now on. */
  authenticated(response: ServerResponse): void {
    if (this.isAuthenticated) return;
    this.isAuthenticated = true;
    (response as AnnouncingResponse)._keepAliveTimeout = this.#times.keepAliveTimeoutMs;
  }

  /** A response ended, and Node has just set the clock of an idle connection. */
  responseClosed(): void {
    this.#openRequests -= 1;
    if (this.#openRequests > 0 || !this.hasPlace) return;
    this.#places.mayGiveWay(this);
    if (!this.isAuthenticated) this.socket.setTimeout(this.#times.unauthenticatedKeepAliveTimeoutMs + KEEP_ALIVE_BUFFER_MS);
  }
}

/** One function for all responses. */
function onResponseClosed(this: ServerResponse): void {
  InboundConnection.of(this.req.socket)?.responseClosed();
}
