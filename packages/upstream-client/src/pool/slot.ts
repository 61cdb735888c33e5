import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Client } from 'undici';
import type { ConnectAttempt } from '../connect/connector.ts';
import type { AcquisitionSource, DisconnectReason, RejectionReason } from '../upstream-events.ts';

/**
 * `connecting` → `active` ⇄ (`settling` → `idle`) → `closing`. A settling slot has served its request and rests for one
 * turn of the event loop, until undici takes the next one; a closing one waits for its socket to be gone.
 */
export type SlotState = 'connecting' | 'active' | 'settling' | 'idle' | 'closing';

/** The right of one connection to exist. */
export interface Slot {
  state: SlotState;
  /** The request it works for; defined while connecting and active. */
  holder: SlotHolder | undefined;
  attempt: ConnectAttempt | undefined;
  socket: Socket | undefined;
  client: Client | undefined;
  /** HTTP/2: an answer names its request. */
  isMultiplexed: boolean;
  /** Requests sent over the present connection. */
  requestCount: number;
  /** When it became idle, in `performance.now` milliseconds. */
  idleSince: number;
  /** It is not reused before it has rested enough. */
  mustRest: boolean;
  /** Requests since its last rest. */
  reuses: number;
  /** From the present request to the first byte of its answer, in milliseconds; -1 where that is not known. */
  answerMs: number;
  /** Whether it rests because of a quick answer. */
  isSuspect: boolean;
  connectStartedAt: number;
  /** Whether a response head is expected now. */
  awaitsHead: boolean;
  /** `bytesRead` of the socket after the first piece of an unfinished head, -1 before that. */
  headBytesFrom: number;
  /** The error of the present socket, noticed before undici does. */
  socketError: Error | undefined;
  closeReason: DisconnectReason | undefined;
}

/** What the pool asks of a request that wants a slot; `now` is `performance.now()`. The pool is consistent at every call, which may come back at once. */
export interface SlotHolder {
  slot: Slot | undefined;
  readonly connectMs: number;
  /** Whose request it is; absent where clients are not told apart. */
  readonly client: string | undefined;
  readonly timings: { readonly enqueuedAt: number };
  /** Whose share it takes, where several callers have one `client` name. */
  readonly caller: string | undefined;
  /** Whether it counts among those that hold a slot for long. */
  isLongLived: boolean;
  /** The line it waits in; defined while it waits. This and the links are written by the queue alone. */
  line: WaiterLine | undefined;
  previousWaiter: SlotHolder | undefined;
  nextWaiter: SlotHolder | undefined;
  /** True while it waits only for a connection that is about to be free again. */
  imminent: boolean;
  /** It has a slot; a connection may still have to be made. */
  onAcquired(slot: Slot, source: AcquisitionSource, now: number): void;
  /** Its slot has a connection: send. */
  onConnected(slot: Slot, client: Client, now: number): void;
  onConnectFailed(error: Error): void;
  /** The client is being destroyed, with the caller's own error or none. */
  onShutdown(error: Error | null): void;
  /** The response head grew past its limit. */
  onHeadOverflow(): void;
  onRejected(reason: RejectionReason): void;
}

/** The requests of one client that wait in one queue, first come, first served; linked through the requests themselves. */
export class WaiterLine {
  readonly client: ClientSlots;
  size = 0;
  first: SlotHolder | undefined = undefined;
  last: SlotHolder | undefined = undefined;
  /** Links of the queue; a line stands in it while it has a request. */
  previousLine: WaiterLine | undefined = undefined;
  nextLine: WaiterLine | undefined = undefined;

  constructor(client: ClientSlots) {
    this.client = client;
  }
}

/** What one client has of a pool: the slots it holds, and its requests that wait. */
export class ClientSlots {
  /** What `stats()` calls it. */
  readonly name: string;
  /** What it is known by: its name, or the caller that has the name. */
  readonly key: string;
  held = 0;
  readonly waiters: WaiterLine = new WaiterLine(this);
  readonly longLivedWaiters: WaiterLine = new WaiterLine(this);

  constructor(name: string, key: string = name) {
    this.name = name;
    this.key = key;
  }

  get waiting(): number {
    return this.waiters.size + this.longLivedWaiters.size;
  }
}

/** A slot of a request whose connection is still to be made. */
export function createSlot(holder: SlotHolder): Slot {
  return {
    state: 'connecting', holder, attempt: undefined, socket: undefined, client: undefined, isMultiplexed: false, requestCount: 0,
    idleSince: 0, mustRest: false, reuses: 0, answerMs: -1, isSuspect: false, connectStartedAt: 0, awaitsHead: false, headBytesFrom: -1, socketError: undefined, closeReason: undefined,
  };
}

/** Takes a connection that died unused off a slot, which then is as it was made. */
export function dropConnection(slot: Slot): void {
  slot.socket?.destroy();
  Object.assign(slot, createSlot(slot.holder as SlotHolder));
}

/**
 * Whether everything that was written to the connection is with the operating system, so that the memory it came from is read no more. HTTP/2
 * writes past the socket: there it is never known.
 */
export function isFlushed(socket: Socket | undefined): boolean {
  if (socket === undefined || socket.destroyed || socket.writableLength > 0) return false;
  return !(socket instanceof TLSSocket) || socket.alpnProtocol !== 'h2';
}
