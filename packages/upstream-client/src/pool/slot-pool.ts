import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { TLSSocket } from 'node:tls';
import type { Client } from 'undici';
import { classifyConnectError } from '../connect/classify-connect-error.ts';
import type { Connector } from '../connect/connector.ts';
import type { ResolvedPool } from '../options.ts';
import { thrownError } from '../thrown.ts';
import type { AcquisitionSource, DisconnectReason, Notify } from '../upstream-events.ts';
import { IdleSlots } from './idle-slots.ts';
import { createSlot, dropConnection, type Slot, type SlotHolder } from './slot.ts';
import { RestRule } from './slot-rest.ts';
import { SlotShares } from './slot-shares.ts';

/** What a slot pool works with. */
export interface SlotPoolOptions {
  readonly pool: ResolvedPool;
  readonly connect: Connector;
  /** Wraps a fresh socket; `expiryMs` is how long undici may keep it idle. */
  readonly openClient: (slot: Slot, socket: Socket, expiryMs: number) => Client;
  readonly notify: Notify;
  /** Called when a slot is gone or the queue got shorter. */
  readonly onCapacityFreed: () => void;
}

/**
 * Decides which request has which slot.
 *
 * Invariants: `size` counts every slot until its socket is gone and never grows past `maxConnections`; a request that may have a
 * slot waits only while none is idle; whose turn it is, `shares` decides; idle slots are reused last in, first out.
 */
export class SlotPool {
  pool: ResolvedPool;
  size = 0;
  active = 0;
  connecting = 0;
  settling = 0;
  /** Slots that wait for their socket to be gone. */
  closing = 0;
  isDraining = false;
  isShutDown = false;
  readonly idle: IdleSlots;
  readonly slots: Set<Slot> = new Set();
  readonly shares: SlotShares;
  readonly rest: RestRule = new RestRule();
  private readonly connect: Connector;
  private readonly openClient: SlotPoolOptions['openClient'];
  private readonly notify: Notify;
  private readonly onCapacityFreed: () => void;

  constructor({ pool, connect, openClient, notify, onCapacityFreed }: SlotPoolOptions) {
    this.pool = pool;
    this.shares = new SlotShares(pool);
    this.idle = new IdleSlots(pool.keepAliveExpiryMs, this.rest, (slot) => { this.close(slot, 'idle_expired'); });
    this.connect = connect;
    this.openClient = openClient;
    this.notify = notify;
    this.onCapacityFreed = onCapacityFreed;
  }

  /** Gives the request a slot, a place in the queue, or a refusal, in this call. */
  acquire(holder: SlotHolder): void {
    if (this.isDraining) { holder.onRejected('draining'); return; }
    if (this.shares.mayHold(holder)) {
      const now = performance.now();
      const slot = this.idle.take(now);
      if (slot !== undefined) { this.grant(slot, holder, 'reused', now); return; }
      // A connection that is about to be free again is better than a new one.
      if (this.settling > this.shares.eligible) { holder.imminent = true; this.shares.push(holder); return; }
      if (this.size < this.pool.maxConnections) { this.openSlot(holder, 'new'); return; }
      // All that are idle must rest: one of them makes room for a new connection.
      if (this.idle.length > 0) { this.shares.push(holder); this.retireIdle(); return; }
    }
    this.shares.pushOrDisplace(holder)?.onRejected('queue_full');
  }

  /** Takes the slot, or the place in the queue, from a request that ended without a whole response. */
  abandon(holder: SlotHolder, reason: DisconnectReason): void {
    const { slot } = holder;
    if (slot === undefined) { if (this.shares.delete(holder)) this.onCapacityFreed(); return; }
    this.part(slot, holder);
    if (slot.state === 'active') {
      this.active -= 1;
      this.close(slot, reason);
      return;
    }
    if (slot.state !== 'connecting') return;
    // The connection under way is as good for the next waiter.
    const next = this.isShutDown ? undefined : this.shares.shift();
    if (next !== undefined) { this.assign(slot, next, 'queued', performance.now()); this.onCapacityFreed(); return; }
    slot.attempt?.cancel();
    this.connecting -= 1;
    this.notify('connect_failed', { reason: 'aborted', durationMs: performance.now() - slot.connectStartedAt });
    this.remove(slot);
  }

  /** Takes the slot back from a request whose response is complete. */
  release(holder: SlotHolder): void {
    const { slot } = holder;
    if (slot === undefined) return;
    this.part(slot, holder);
    this.active -= 1;
    slot.state = 'settling';
    this.settling += 1;
    setImmediate(settle, this, slot);
  }

  /** Counts a request that is done with what held it long, such as its upload, among the others. */
  endLongLived(holder: SlotHolder): void {
    if (this.shares.endLongLived(holder)) this.serveWaiters();
  }

  /** Makes another connection for a request whose connection died before a byte was written. */
  reconnect(holder: SlotHolder): void {
    const { slot } = holder;
    if (slot === undefined || slot.state !== 'active') return;
    this.active -= 1;
    dropConnection(slot);
    this.dial(slot, holder);
  }

  /** Applies new numbers: growing acts at once, shrinking closes idle connections first, then slots as they come back. */
  resize(pool: ResolvedPool): void {
    const expiryChanged = this.idle.setExpiry(pool.keepAliveExpiryMs);
    this.pool = pool;
    this.shares.resize(pool);
    // Idle connections made under another expiry would follow the old one.
    const keep = expiryChanged ? 0 : Math.min(pool.maxKeepAliveConnections, this.idle.length, Math.max(0, pool.maxConnections - (this.size - this.closing - this.idle.length)));
    for (const slot of this.idle.trim(keep)) this.close(slot, 'surplus');
    this.serveWaiters();
  }

  /** Refuses new requests; those that wait keep their place. */
  drain(): void {
    this.isDraining = true;
    for (const slot of this.idle.trim(0)) this.close(slot, 'shutdown');
  }

  /** Ends every request, those with a slot first, so that no waiter gets one on the way out. */
  shutDown(error: Error | null): void {
    this.drain();
    this.isShutDown = true;
    for (const slot of this.slots) slot.holder?.onShutdown(error);
    for (let waiter = this.shares.shiftAny(); waiter !== undefined; waiter = this.shares.shiftAny()) waiter.onShutdown(error);
    this.onCapacityFreed();
  }

  /** Called once by `settle`, a turn after a response ended. */
  settled(slot: Slot): void {
    this.settling -= 1;
    if (slot.state !== 'settling') return;
    if (slot.socket?.destroyed !== false) { this.close(slot, 'not_kept_alive'); return; }
    if (this.isOversized) { this.close(slot, 'surplus'); return; }
    const now = performance.now();
    if (this.rest.mustRest(slot) && this.shares.eligible > 0) { this.close(slot, 'retired'); return; }
    const next = this.shares.shift();
    if (next !== undefined) { this.grant(slot, next, next.imminent ? 'reused' : 'queued', now); this.onCapacityFreed(); return; }
    if (this.isDraining || this.isSurplus(this.idle.length)) { this.close(slot, this.isDraining ? 'shutdown' : 'surplus'); return; }
    slot.state = 'idle';
    this.idle.push(slot, now);
  }

  /** Called when a socket is gone; the second time for one socket does nothing. */
  socketClosed(slot: Slot, socket: Socket): void {
    if (slot.socket !== socket) return;
    slot.socket = undefined;
    slot.client = undefined;
    this.rest.closed(slot);
    this.notify('disconnected', { reason: slot.closeReason ?? 'failed' });
    // An active slot belongs to its request, which undici is about to tell, and which then abandons or reconnects it.
    if (slot.state === 'active') return;
    if (slot.state === 'idle') this.idle.remove(slot);
    if (slot.state !== 'closing') this.closing += 1;
    slot.state = 'closing';
    this.remove(slot);
  }

  private get isOversized(): boolean {
    return this.size - this.closing > this.pool.maxConnections;
  }

  private isSurplus(othersIdle: number): boolean {
    return othersIdle >= this.pool.maxKeepAliveConnections || this.isOversized;
  }

  /** Gives those whose turn it is what is free: more than one when the pool grew, or a part of it became free. */
  private serveWaiters(): void {
    while (!this.isShutDown && this.shares.eligible > this.settling) {
      const now = performance.now();
      const slot = this.idle.take(now);
      if (slot === undefined && this.size >= this.pool.maxConnections) {
        if (this.shares.eligible > this.settling + this.closing) this.retireIdle();
        return;
      }
      const next = this.shares.shift();
      if (next === undefined) return;
      if (slot === undefined) this.openSlot(next, 'queued');
      else this.grant(slot, next, 'queued', now);
    }
  }

  /** Closes the connection that rests longest: a waiting request needs its place. */
  private retireIdle(): void {
    const slot = this.idle.shift();
    if (slot !== undefined) this.close(slot, 'retired');
  }

  /** Takes the slot and its request apart. */
  private part(slot: Slot, holder: SlotHolder): void {
    holder.slot = undefined;
    slot.holder = undefined;
    this.shares.release(holder);
  }

  private assign(slot: Slot, holder: SlotHolder, source: AcquisitionSource, now: number): void {
    this.shares.hold(holder);
    slot.holder = holder;
    holder.slot = slot;
    holder.onAcquired(slot, source, now);
  }

  private grant(slot: Slot, holder: SlotHolder, source: AcquisitionSource, now: number): void {
    slot.state = 'active';
    this.active += 1;
    this.assign(slot, holder, source, now);
    if (slot.holder === holder && slot.client !== undefined) holder.onConnected(slot, slot.client, now);
  }

  private openSlot(holder: SlotHolder, source: AcquisitionSource): void {
    const slot = createSlot(holder);
    this.size += 1;
    this.slots.add(slot);
    this.shares.hold(holder);
    holder.slot = slot;
    this.dial(slot, holder);
    // A listener of the event above may have ended the request.
    if (slot.holder === holder) holder.onAcquired(slot, source, slot.connectStartedAt);
  }

  private dial(slot: Slot, holder: SlotHolder): void {
    slot.state = 'connecting';
    this.connecting += 1;
    slot.connectStartedAt = performance.now();
    slot.attempt = this.connect(holder.connectMs, (error, socket, roundTripMs) => {
      this.connecting -= 1;
      if (roundTripMs !== undefined) this.rest.connected(roundTripMs);
      slot.attempt = undefined;
      if (socket === undefined) this.dialFailed(slot, thrownError(error));
      else this.dialed(slot, socket);
    });
    this.notify('connecting', { timeoutMs: holder.connectMs });
  }

  private dialed(slot: Slot, socket: Socket): void {
    slot.socket = socket;
    slot.state = 'active';
    this.active += 1;
    slot.isMultiplexed = socket instanceof TLSSocket && socket.alpnProtocol === 'h2';
    slot.client = this.openClient(slot, socket, this.idle.reuseSpanMs);
    const isResumed = socket instanceof TLSSocket ? socket.isSessionReused() : undefined;
    const now = performance.now();
    this.notify('connected', { durationMs: now - slot.connectStartedAt, ...(isResumed === undefined ? {} : { tlsSessionReused: isResumed }) });
    slot.holder?.onConnected(slot, slot.client, now);
  }

  private dialFailed(slot: Slot, error: Error): void {
    const { holder } = slot;
    this.notify('connect_failed', { reason: classifyConnectError(error).reason, durationMs: performance.now() - slot.connectStartedAt });
    if (holder !== undefined) this.part(slot, holder);
    this.remove(slot);
    holder?.onConnectFailed(error);
  }

  private close(slot: Slot, reason: DisconnectReason): void {
    slot.state = 'closing';
    this.closing += 1;
    slot.closeReason ??= reason;
    if (slot.socket === undefined) { this.remove(slot); return; }
    // Never `client.destroy()`: from within one of undici's own callbacks it breaks an assertion and takes the process down.
    slot.socket.destroy();
  }

  private remove(slot: Slot): void {
    if (!this.slots.delete(slot)) return;
    this.size -= 1;
    if (slot.state === 'closing') this.closing -= 1;
    this.serveWaiters();
    this.onCapacityFreed();
  }
}

function settle(pool: SlotPool, slot: Slot): void {
  pool.settled(slot);
}
