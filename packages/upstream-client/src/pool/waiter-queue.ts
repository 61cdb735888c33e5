import type { SlotHolder, WaiterLine } from './slot.ts';

/**
 * The requests that wait for a slot: each client's in a line of its own, and whose turn it is by what the clients hold. Any one
 * can leave at once.
 *
 * Lists linked through the requests: a `Set` under constant change keeps its old tables, and all they held, alive until the next
 * full garbage collection. Finding the next request looks at each waiting client once.
 */
export class WaiterQueue {
  size = 0;
  private firstLine: WaiterLine | undefined = undefined;
  private lastLine: WaiterLine | undefined = undefined;

  push(waiter: SlotHolder, line: WaiterLine): void {
    waiter.line = line;
    waiter.previousWaiter = line.last;
    if (line.last === undefined) {
      line.first = waiter;
      this.list(line);
    } else {
      line.last.nextWaiter = waiter;
    }
    line.last = waiter;
    line.size += 1;
    this.size += 1;
  }

  /** The request whose turn it is: the oldest of the client that holds fewest slots, and of such clients the one whose turn is longest ago. */
  next(): SlotHolder | undefined {
    let best: WaiterLine | undefined = this.firstLine;
    for (let line = best?.nextLine; line !== undefined; line = line.nextLine) if (best === undefined || line.client.held < best.client.held) best = line;
    return best?.first;
  }

  /** When the request that has waited for longest was enqueued; `Infinity` when none waits. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (let line = this.firstLine; line !== undefined; line = line.nextLine) if (line.first !== undefined) oldest = Math.min(oldest, line.first.timings.enqueuedAt);
    return oldest;
  }

  /** Takes out the request whose turn it is; its client is the last of those that hold as many. */
  take(waiter: SlotHolder): void {
    const { line } = waiter;
    this.delete(waiter);
    if (line === undefined || line.size === 0 || line === this.lastLine) return;
    this.unlist(line);
    this.list(line);
  }

  /** The line with the most requests. */
  longest(): WaiterLine | undefined {
    let longest: WaiterLine | undefined = this.firstLine;
    for (let line = longest?.nextLine; line !== undefined; line = line.nextLine) if (longest === undefined || line.size > longest.size) longest = line;
    return longest;
  }

  /** Takes out a request that waits here, wherever it stands. */
  delete(waiter: SlotHolder): void {
    const { line, previousWaiter, nextWaiter } = waiter;
    if (line === undefined) return;
    if (previousWaiter === undefined) line.first = nextWaiter;
    else previousWaiter.nextWaiter = nextWaiter;
    if (nextWaiter === undefined) line.last = previousWaiter;
    else nextWaiter.previousWaiter = previousWaiter;
    waiter.line = undefined;
    waiter.previousWaiter = undefined;
    waiter.nextWaiter = undefined;
    line.size -= 1;
    this.size -= 1;
    if (line.size === 0) this.unlist(line);
  }

  private list(line: WaiterLine): void {
    line.previousLine = this.lastLine;
    if (this.lastLine === undefined) this.firstLine = line;
    else this.lastLine.nextLine = line;
    this.lastLine = line;
  }

  private unlist(line: WaiterLine): void {
    const { previousLine, nextLine } = line;
    if (previousLine === undefined) this.firstLine = nextLine;
    else previousLine.nextLine = nextLine;
    if (nextLine === undefined) this.lastLine = previousLine;
    else nextLine.previousLine = previousLine;
    line.previousLine = undefined;
    line.nextLine = undefined;
  }
}
