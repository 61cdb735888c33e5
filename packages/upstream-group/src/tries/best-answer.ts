import { isUpstreamError } from '@penstock/upstream-client';
import { errorOrder } from '../health/failure-effects.ts';
import type { KeptRefusal } from './kept-refusal.ts';

/** What came of the tries of a request so far; none of them ran. Of all of it the client gets the part that helps it most. */
export class BestAnswer {
  #refusal: KeptRefusal | undefined;
  #error: Error | undefined;
  #errorOf: string | undefined;

  offerRefusal(refusal: KeptRefusal): void {
    if (this.#refusal === undefined || refusal.isBetterThan(this.#refusal)) this.#refusal = refusal;
  }

  /** Of two errors of one order the later one is kept. `member` is the one whose it is, if it is that of one. */
  offerError(error: Error, member: string | undefined): void {
    if (this.#error !== undefined && orderOf(error) > orderOf(this.#error)) return;
    this.#error = error;
    this.#errorOf = member;
  }

  /** The refusal that is better than one that has just come. */
  betterThan(refusal: KeptRefusal): KeptRefusal | undefined {
    return this.#refusal === undefined || refusal.isBetterThan(this.#refusal) ? undefined : this.#refusal;
  }

  /** The refusal, if it helps more than the errors do. */
  refusalOverErrors(): KeptRefusal | undefined {
    if (this.#refusal === undefined || this.#error === undefined) return this.#refusal;
    return this.#refusal.order < orderOf(this.#error) ? this.#refusal : undefined;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** The member whose the error is. */
  get errorOf(): string | undefined {
    return this.#errorOf;
  }

  /** Nothing of it is needed any more. */
  clear(): void {
    this.#refusal = undefined;
  }
}

function orderOf(error: Error): number {
  return errorOrder(isUpstreamError(error) ? error.code : undefined);
}
