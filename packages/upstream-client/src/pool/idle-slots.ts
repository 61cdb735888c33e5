import { performance } from 'node:perf_hooks';
import type { RestRule } from './slot-rest.ts';
import type { Slot } from './slot.ts';

/** The part of the keep-alive time in which a connection is no longer reused: a second, or half of a short expiry. */
function reuseMarginMs(keepAliveExpiryMs: number): number {
  return Math.min(1_000, keepAliveExpiryMs / 2);
}

/**
 * The connections at rest. Of those that have rested enough the newest is taken, so that those not needed can expire; where none has, the one
 * that has rested longest; never one that must rest on.
 *
 * undici closes idle HTTP/1.1 connections by a timer of its own, earlier where the upstream asks for it, and idle HTTP/2
 * ones never; the timer here is for both, and runs only while something rests.
 */
export class IdleSlots {
  /** By the time they came to rest, the oldest first. */
  private readonly slots: Slot[] = [];
  private readonly rest: RestRule;
  private readonly expire: (slot: Slot) => void;
  private timer: NodeJS.Timeout | undefined = undefined;
  /** How many at least were idle at every moment since `leastSince`: so many are not needed. */
  private least = 0;
  private leastSince = 0;
  /** How long a connection may rest and still be reused. */
  reuseSpanMs: number;

  constructor(keepAliveExpiryMs: number, rest: RestRule, expire: (slot: Slot) => void) {
    this.reuseSpanMs = keepAliveExpiryMs - reuseMarginMs(keepAliveExpiryMs);
    this.rest = rest;
    this.expire = expire;
  }

  get length(): number {
    return this.slots.length;
  }

  /** The one at `index`, the oldest being 0. */
  at(index: number): Slot | undefined {
    return this.slots[index];
  }

  push(slot: Slot, now: number): void {
    slot.idleSince = now;
    this.slots.push(slot);
    this.timer ??= setTimeout(sweep, this.reuseSpanMs, this).unref();
  }

  /** The best one that may be reused; those that may not are expired, however late their timer is. */
  take(now: number): Slot | undefined {
    for (let index = this.choose(now); index >= 0; index = this.choose(now)) {
      const slot = this.slots[index] as Slot;
      // Mostly the newest, under load the oldest.
      if (index === this.slots.length - 1) this.slots.pop();
      else if (index === 0) this.slots.shift();
      else this.slots.splice(index, 1);
      this.noteFewer();
      if (now - slot.idleSince < this.reuseSpanMs && slot.socket?.destroyed === false) {
        this.rest.taken(slot, now);
        return slot;
      }
      this.expire(slot);
    }
    return undefined;
  }

  /** Takes out the one that has rested longest, whether it must rest on or not. */
  shift(): Slot | undefined {
    const slot = this.slots.shift();
    this.noteFewer();
    return slot;
  }

  remove(slot: Slot): void {
    const index = this.slots.indexOf(slot);
    if (index >= 0) this.slots.splice(index, 1);
    this.noteFewer();
  }

  /** Takes out all but the `count` newest. */
  trim(count: number): Slot[] {
    const trimmed = this.slots.splice(0, this.slots.length - count);
    this.noteFewer();
    return trimmed;
  }

  /** Applies another keep-alive time; true when it differs. */
  setExpiry(keepAliveExpiryMs: number): boolean {
    const before = this.reuseSpanMs;
    this.reuseSpanMs = keepAliveExpiryMs - reuseMarginMs(keepAliveExpiryMs);
    return this.reuseSpanMs !== before;
  }

  /** Expires those whose time is over, and sets the timer for the next one. */
  sweep(now: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const due = this.slots.filter((slot) => now - slot.idleSince >= this.reuseSpanMs).length;
    const expired = this.slots.splice(0, Math.max(due, this.unneeded(now)));
    this.noteFewer();
    for (const slot of expired) this.expire(slot);
    const [oldest] = this.slots;
    if (oldest !== undefined) this.timer = setTimeout(sweep, Math.ceil(oldest.idleSince + this.reuseSpanMs - now), this).unref();
  }

  private noteFewer(): void {
    if (this.slots.length < this.least) this.least = this.slots.length;
  }

  /** Under load all idle ones are used in turn, so that none is idle for long, however many there are. Those that were too many all the time expire too. */
  private unneeded(now: number): number {
    if (now - this.leastSince < this.reuseSpanMs) return 0;
    const unneeded = Math.min(this.least, this.slots.length);
    this.least = this.slots.length - unneeded;
    this.leastSince = now;
    return unneeded;
  }

  private choose(now: number): number {
    const rested = this.lastSince(now - this.rest.enoughMs);
    return rested >= 0 ? rested : this.slots.findIndex(mayBeUsed);
  }

  /** The newest that came to rest by `time`; -1 when none did. */
  private lastSince(time: number): number {
    const { slots } = this;
    let low = -1;
    let high = slots.length - 1;
    // Mostly it is the newest of all.
    if (high >= 0 && (slots[high] as Slot).idleSince <= time) return high;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((slots[middle] as Slot).idleSince <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function mayBeUsed(slot: Slot): boolean {
  return !slot.mustRest;
}

function sweep(idle: IdleSlots): void {
  idle.sweep(performance.now());
}
