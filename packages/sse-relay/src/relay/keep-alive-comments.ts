import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import type { BodyWriter } from './chunked-body-writer.ts';
import type { EventBoundary } from './event-boundary.ts';
import { StallClock } from './stall-clock.ts';

const COMMENT = Buffer.from(': keep-alive\n\n');

/** Writes comments into the silence of an event stream; clients skip them (WHATWG HTML section 9.2.6). */
export class KeepAliveComments {
  sent = 0;
  readonly #writer: BodyWriter;
  readonly #boundary: EventBoundary;
  readonly #silence: StallClock;

  constructor(writer: BodyWriter, boundary: EventBoundary, intervalMs: number) {
    this.#writer = writer;
    this.#boundary = boundary;
    this.#silence = new StallClock(intervalMs, this.#onSilence);
  }

  /** A chunk was written. The first one starts the clock: a comment before it could push a BOM from the start of the stream. */
  restart(now: number): void {
    this.#silence.restart(now);
  }

  dispose(): void {
    this.#silence.dispose();
  }

  readonly #onSilence = (): void => {
    // A client that does not read is not waiting for a sign of life.
    if (this.#boundary.isAtBoundary && !this.#writer.isBlocked) {
      this.#writer.write(COMMENT);
      this.sent += 1;
    }
    this.#silence.restart(performance.now());
  };
}
