import type { RelayHandler } from '@penstock/sse-relay';

/** A relay under way and its place in the list. */
export interface OpenRelay {
  readonly handler: RelayHandler;
  /** Written by the list alone. */
  place: number;
}

/**
 * The relays under way, which the drain deadline interrupts. A list, not a `Set`: a `Set` that each request enters and leaves
 * keeps its outgrown tables, and all requests in them, alive until the next full garbage collection. That cost a quarter of
 * the CPU time of a small request.
 */
export class OpenRelays {
  readonly #open: OpenRelay[] = [];

  add(relay: OpenRelay): void {
    relay.place = this.#open.length;
    this.#open.push(relay);
  }

  /** Takes a relay out, if it is there; its place goes to the last one. */
  delete(relay: OpenRelay): void {
    if (this.#open[relay.place] !== relay) return;
    const last = this.#open.pop();
    if (last === undefined || last === relay) return;
    this.#open[relay.place] = last;
    last.place = relay.place;
  }

  interrupt(reason: string): void {
    // Those that settle at once leave the list while it is walked.
    for (const { handler } of this.#open.slice()) handler.interrupt(reason);
  }
}
