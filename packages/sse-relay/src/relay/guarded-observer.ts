import type { BodyObserver, RelayOptions } from './relay-options.ts';
import type { RelayEnd } from './relay-result.ts';

/** The observer, and who is told when it threw. */
type GuardedObserverOptions = Pick<RelayOptions, 'observer' | 'onObserverError'>;

/** An observer that cannot hurt the relay: its first throw ends its work. */
export class GuardedObserver {
  #observer: BodyObserver | undefined;
  readonly #options: GuardedObserverOptions;
  #ended: Promise<void> | undefined;

  constructor(options: GuardedObserverOptions) {
    this.#options = options;
    this.#observer = options.observer;
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    if (this.#observer?.onHead === undefined) return;
    try {
      this.#observer.onHead(status, rawHeaders);
    } catch (error) {
      this.#drop(error);
    }
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#observer === undefined) return;
    try {
      this.#observer.onChunk(chunk);
    } catch (error) {
      this.#drop(error);
    }
  }

  /** Tells it once; a second call returns what the first did. The promise never rejects. */
  onEnd(how: RelayEnd): Promise<void> | undefined {
    const observer = this.#observer;
    if (observer === undefined) return this.#ended;
    this.#observer = undefined;
    try {
      const ended = observer.onEnd(how);
      if (ended instanceof Promise) this.#ended = ended.catch((error: unknown) => this.#drop(error));
    } catch (error) {
      this.#drop(error);
    }
    return this.#ended;
  }

  #drop(error: unknown): void {
    this.#observer = undefined;
    try {
      this.#options.onObserverError?.(error);
    } catch {
      // There is nothing left to report to; the bytes go on.
    }
  }
}

/** Resolves when `ended` does, at the latest after `graceMs`. */
export async function waitAtMost(ended: Promise<void>, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<void>((resolve) => { timer = setTimeout(resolve, graceMs); });
  await Promise.race([ended, grace]);
  clearTimeout(timer);
}
