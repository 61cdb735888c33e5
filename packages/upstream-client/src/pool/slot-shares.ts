import type { ResolvedPool } from '../options.ts';
import type { ClientSlotStats } from '../upstream-events.ts';
import { ClientSlots, type SlotHolder } from './slot.ts';
import { WaiterQueue } from './waiter-queue.ts';

/** So many clients are remembered while they neither hold nor want a slot. */
const MAX_REMEMBERED_CLIENTS = 256;

/** The whole number next below a share, at least 1 where there is anything to share. */
function partOf(whole: number, share: number): number {
  return Math.min(whole, Math.max(1, Math.floor(whole * share)));
}

/**
 * Who holds the slots of a pool, and who gets the next one.
 *
 * A client may hold every slot while no other waits; a slot that becomes free goes to the waiting client that holds fewest. Requests
 * that hold a slot for long (uploads, event streams of hours) have at most a part of the slots together and a queue of their own,
 * so that others pass them. A queue that is full takes a request of a client with few at the cost of the client with most.
 */
export class SlotShares {
  /** Slots held by long-lived requests. */
  longLived = 0;
  maxLongLived = 1;
  private maxWaiting = 0;
  private maxLongLivedWaiting = 0;
  private readonly clients = new Map<string, ClientSlots>();
  /** Of requests without a client, which are most where the package is embedded. */
  private readonly unnamed = new ClientSlots('');
  private readonly queue = new WaiterQueue();
  private readonly longLivedQueue = new WaiterQueue();

  constructor(pool: ResolvedPool) {
    this.resize(pool);
  }

  resize({ maxConnections, maxWaiting, longLivedShare }: ResolvedPool): void {
    this.maxLongLived = partOf(maxConnections, longLivedShare);
    this.maxWaiting = maxWaiting;
    this.maxLongLivedWaiting = partOf(maxWaiting, longLivedShare);
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.queue.size + this.longLivedQueue.size;
  }

  /** Of these, those that would take a slot which became free now. */
  get eligible(): number {
    return this.queue.size + Math.min(this.longLivedQueue.size, Math.max(0, this.maxLongLived - this.longLived));
  }

  /** Clients that are known, those that hold and want nothing included. */
  get remembered(): number {
    return this.clients.size;
  }

  mayHold(holder: SlotHolder): boolean {
    return !holder.isLongLived || this.longLived < this.maxLongLived;
  }

  /** Counts a slot that a request got. */
  hold(holder: SlotHolder): void {
    this.clientOf(holder).held += 1;
    if (holder.isLongLived) this.longLived += 1;
  }

  /** Counts a slot that a request gave back. */
  release(holder: SlotHolder): void {
    this.clientOf(holder).held -= 1;
    if (holder.isLongLived) this.longLived -= 1;
  }

  /** A request that was long-lived goes on as any other; true when a long-lived one that waits may have its part. */
  endLongLived(holder: SlotHolder): boolean {
    if (!holder.isLongLived) return false;
    holder.isLongLived = false;
    if (holder.slot !== undefined) this.longLived -= 1;
    return this.longLivedQueue.size > 0;
  }

  /** Puts a request into its queue, whatever its length: a slot is about to come for it. */
  push(holder: SlotHolder): void {
    const client = this.clientOf(holder);
    if (holder.isLongLived) this.longLivedQueue.push(holder, client.longLivedWaiters);
    else this.queue.push(holder, client.waiters);
  }

  /** Puts a request into its queue and returns the one that has no place for it: none, another, or itself. */
  pushOrDisplace(holder: SlotHolder): SlotHolder | undefined {
    const queue = holder.isLongLived ? this.longLivedQueue : this.queue;
    if (queue.size < (holder.isLongLived ? this.maxLongLivedWaiting : this.maxWaiting)) {
      this.push(holder);
      return undefined;
    }
    const client = this.clientOf(holder);
    const longest = queue.longest();
    const displaced = longest?.last;
    // Of two clients with as many, none is better served by changing places.
    if (longest === undefined || displaced === undefined || longest.size <= (holder.isLongLived ? client.longLivedWaiters : client.waiters).size + 1) return holder;
    queue.delete(displaced);
    this.push(holder);
    return displaced;
  }

  /** Takes out the request whose turn it is, if there is one that may hold a slot. */
  shift(): SlotHolder | undefined {
    const waiter = this.next();
    if (waiter !== undefined) this.queueOf(waiter).take(waiter);
    return waiter;
  }

  /** Takes out a request, whether it may hold a slot or not. */
  shiftAny(): SlotHolder | undefined {
    const waiter = this.queue.next() ?? this.longLivedQueue.next();
    if (waiter !== undefined) this.delete(waiter);
    return waiter;
  }

  /** Takes a request out of its queue; false when it does not wait. */
  delete(waiter: SlotHolder): boolean {
    if (waiter.line === undefined) return false;
    this.queueOf(waiter).delete(waiter);
    return true;
  }

  /** When the request that has waited for longest was enqueued; `Infinity` when none waits. */
  get oldestWaiter(): number {
    return Math.min(this.queue.oldest(), this.longLivedQueue.oldest());
  }

  /** The clients that hold or want a slot now. */
  stats(): ClientSlotStats[] {
    const byName = new Map<string, ClientSlotStats>();
    for (const { name, held, waiting } of [this.unnamed, ...this.clients.values()]) {
      if (held === 0 && waiting === 0) continue;
      const others = byName.get(name);
      byName.set(name, { client: name, held: held + (others?.held ?? 0), waiting: waiting + (others?.waiting ?? 0) });
    }
    return [...byName.values()];
  }

  private next(): SlotHolder | undefined {
    const other = this.queue.next();
    const longLived = this.longLivedQueue.size > 0 && this.longLived < this.maxLongLived ? this.longLivedQueue.next() : undefined;
    if (longLived === undefined || other === undefined) return other ?? longLived;
    return this.clientOf(longLived).held < this.clientOf(other).held ? longLived : other;
  }

  private queueOf({ line }: SlotHolder): WaiterQueue {
    return line?.client.longLivedWaiters === line ? this.longLivedQueue : this.queue;
  }

  private clientOf({ client, caller }: SlotHolder): ClientSlots {
    const key = caller ?? client;
    return key === undefined ? this.unnamed : this.clients.get(key) ?? this.remember(key, client ?? '');
  }

  private remember(key: string, name: string): ClientSlots {
    if (this.clients.size >= MAX_REMEMBERED_CLIENTS) {
      for (const { key: known, held, waiting } of this.clients.values()) if (held === 0 && waiting === 0) this.clients.delete(known);
    }
    const client = new ClientSlots(name, key);
    this.clients.set(key, client);
    return client;
  }
}
