import type { EventBoundary } from '../relay/event-boundary.ts';
import { FrameWalker } from './frame-walker.ts';

/**
 * Tracks the boundaries of a stream of binary frames (`application/vnd.amazon.eventstream`). Behind bytes that are no frame it is
 * never at a boundary again: a frame written there would not be read.
 */
export function createFrameBoundary(): EventBoundary {
  return new FrameBoundary();
}

class FrameBoundary implements EventBoundary {
  readonly #walker = new FrameWalker();

  update(chunk: Uint8Array): void {
    this.#walker.write(chunk);
  }

  get isAtBoundary(): boolean {
    return this.#walker.isAtBoundary;
  }
}
