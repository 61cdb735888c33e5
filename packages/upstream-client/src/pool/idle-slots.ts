import { performance } from 'node:perf_hooks';
import type { Slot } from './slot.ts';

/** The part of the keep-alive time in which a connection is no longer reused: a second, or half of a short expiry. */
function reuseMarginMs(keepAliveExpiryMs: number): number {
  return Math.min(1_000, keepAliveExpiryMs / 2);
}

/**
 * The connections at rest: taken last in, first out, so that those not needed can expire.
 *
 * undici closes idle HTTP/1.1 connections by a timer of its own, earlier where the upstream asks for it, and idle HTTP/2
 * ones never; the timer here is for both, and runs only while something rests.
 */
export class IdleSlots {
  /** By the time they came to rest, the oldest first. */
  private readonly slots: Slot[] = [];
  private readonly expire: (slot: Slot) => void;
  private timer: NodeJS.Timeout | undefined = undefined;
  /** How long a connection may rest and still be reused. */
  reuseSpanMs: number;

  constructor(keepAliveExpiryMs: number, expire: (slot: Slot) => void) {
    this.reuseSpanMs = keepAliveExpiryMs - reuseMarginMs(keepAliveExpiryMs);
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

  /** The newest one that may be reused; those that may not are expired, however late their timer is. */
  take(now: number): Slot | undefined {
    for (let slot = this.slots.pop(); slot !== undefined; slot = this.slots.pop()) {
      if (now - slot.idleSince < this.reuseSpanMs && slot.socket?.destroyed === false) return slot;
      this.expire(slot);
    }
    return undefined;
  }

  remove(slot: Slot): void {
    const index = this.slots.indexOf(slot);
    if (index >= 0) this.slots.splice(index, 1);
  }

  /** Takes out all but the `count` newest. */
  trim(count: number): Slot[] {
    return this.slots.splice(0, this.slots.length - count);
  }

  /** Applies another keep-alive time; true when it differs. */
  setExpiry(keepAliveExpiryMs: number): boolean {
    const before = this.reuseSpanMs;
    this.reuseSpanMs = keepAliveExpiryMs - reuseMarginMs(keepAliveExpiryMs);
    return this.reuseSpanMs !== before;
  }

  /** Expires those whose time is over, and sets the timer for the next one. */
  sweep(): void {
    this.timer = undefined;
    const now = performance.now();
    const due = this.slots.filter((slot) => now - slot.idleSince >= this.reuseSpanMs).length;
    for (const slot of this.slots.splice(0, due)) this.expire(slot);
    const [oldest] = this.slots;
    if (oldest !== undefined) this.timer = setTimeout(sweep, Math.ceil(oldest.idleSince + this.reuseSpanMs - now), this).unref();
  }
}

function sweep(idle: IdleSlots): void {
  idle.sweep();
}
