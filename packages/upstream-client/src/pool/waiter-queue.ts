import type { SlotHolder } from './slot-holder.ts';

/**
 * The requests that wait for a slot, first come, first served; any one can leave at once.
 *
 * A list linked through the requests themselves: a `Set` under constant change keeps its old tables, and all they held,
 * alive until the next full garbage collection.
 */
export class WaiterQueue {
  size = 0;
  private first: SlotHolder | undefined = undefined;
  private last: SlotHolder | undefined = undefined;

  push(waiter: SlotHolder): void {
    waiter.isWaiting = true;
    waiter.previousWaiter = this.last;
    if (this.last === undefined) this.first = waiter;
    else this.last.nextWaiter = waiter;
    this.last = waiter;
    this.size += 1;
  }

  shift(): SlotHolder | undefined {
    const { first } = this;
    if (first !== undefined) this.delete(first);
    return first;
  }

  /** Takes a request out, wherever it stands; false when it does not wait. */
  delete(waiter: SlotHolder): boolean {
    if (!waiter.isWaiting) return false;
    const { previousWaiter, nextWaiter } = waiter;
    if (previousWaiter === undefined) this.first = nextWaiter;
    else previousWaiter.nextWaiter = nextWaiter;
    if (nextWaiter === undefined) this.last = previousWaiter;
    else nextWaiter.previousWaiter = previousWaiter;
    waiter.isWaiting = false;
    waiter.previousWaiter = undefined;
    waiter.nextWaiter = undefined;
    this.size -= 1;
    return true;
  }
}
