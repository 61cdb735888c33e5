import type { DescribedRequest } from './described-request.ts';

/** A request that a side took and whose response has not ended, with its place in the list of such requests. */
export interface OpenRequest {
  readonly id: string;
  /** When the parsed head arrived; `performance.now()` milliseconds. */
  readonly startedAt: number;
  /** The configured name of the client, `anonymous`, or `unauthenticated` until the client is known. */
  client: string;
  /** What its side knows of it; absent until the side has taken it. */
  readonly described?: DescribedRequest | undefined;
  readonly response?: { readonly writableFinished: boolean; readonly destroyed: boolean };
  /** The neighbours in the list; written by the list alone. */
  older: OpenRequest | undefined;
  newer: OpenRequest | undefined;
}

/**
 * The open requests of one side in the order in which they came. A request is entered and removed by four assignments; counts by client and the
 * oldest request are read when they are asked for. A `Set` would keep its outgrown tables, and all requests in them, until the next full
 * garbage collection.
 */
export class OpenRequests implements Iterable<OpenRequest> {
  #oldest: OpenRequest | undefined;
  #newest: OpenRequest | undefined;
  #size = 0;

  /** How many are open. */
  get size(): number {
    return this.#size;
  }

  get oldest(): OpenRequest | undefined {
    return this.#oldest;
  }

  add(request: OpenRequest): void {
    request.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = request;
    else this.#newest.newer = request;
    this.#newest = request;
    this.#size += 1;
  }

  /** Removes a request; does nothing when it is not in the list. */
  delete(request: OpenRequest): void {
    const { older, newer } = request;
    if (older === undefined && this.#oldest !== request) return;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    // A request that left must keep none alive that came after it.
    request.older = undefined;
    request.newer = undefined;
    this.#size -= 1;
  }

  /** All of them, oldest first: what a reader needs that takes several turns of the event loop, in which the list changes. */
  list(): OpenRequest[] {
    const list: OpenRequest[] = [];
    for (let request = this.#oldest; request !== undefined; request = request.newer) list.push(request);
    return list;
  }

  /** Oldest first. */
  * [Symbol.iterator](): IterableIterator<OpenRequest> {
    for (let request = this.#oldest; request !== undefined; request = request.newer) yield request;
  }
}
