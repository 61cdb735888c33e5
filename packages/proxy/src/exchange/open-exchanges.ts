/** An exchange under way and its place in the list. */
export interface OpenExchange {
  readonly handler: { interrupt(reason: string): void };
  /** Written by the list alone. */
  place: number;
}

/**
 * The exchanges under way, which a drain deadline interrupts. A list, not a `Set`: a `Set` that each request enters and leaves keeps its outgrown
 * tables, and all requests in them, alive until the next full garbage collection. That cost a quarter of the CPU time of a small request.
 */
export class OpenExchanges {
  readonly #open: OpenExchange[] = [];

  add(exchange: OpenExchange): void {
    exchange.place = this.#open.length;
    this.#open.push(exchange);
  }

  /** Removes an exchange, if it is in the list; the last one moves to its place. */
  delete(exchange: OpenExchange): void {
    if (this.#open[exchange.place] !== exchange) return;
    const last = this.#open.pop();
    if (last === undefined || last === exchange) return;
    this.#open[exchange.place] = last;
    last.place = exchange.place;
  }

  /** Breaks all of them: a response without a head is not begun, one with a head is cut visibly. */
  interrupt(reason: string): void {
    // Those that settle at once leave the list while it is walked.
    for (const { handler } of this.#open.slice()) handler.interrupt(reason);
  }
}
