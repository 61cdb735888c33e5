import type { RequestTimings, UpstreamController, UpstreamHandler } from '@penstock/upstream-client';
import type { KeptRefusal } from './kept-refusal.ts';

/** Gives a response that was kept to the handler, as its client would have done. */
export class Replay {
  readonly #kept: KeptRefusal;
  readonly #handler: UpstreamHandler;
  readonly #controller: UpstreamController;
  #next = -1;
  isStopped = false;

  constructor(kept: KeptRefusal, handler: UpstreamHandler, controller: UpstreamController) {
    this.#kept = kept;
    this.#handler = handler;
    this.#controller = controller;
  }

  get rawHeaders(): string[] {
    return this.#kept.rawHeaders;
  }

  get timings(): RequestTimings | undefined {
    return this.#kept.timings;
  }

  /** Goes on until the handler pauses; true when the response was given whole. */
  run(): boolean {
    const { status, headers, statusMessage, chunks } = this.#kept;
    if (this.#next < 0) {
      this.#next = 0;
      this.#handler.onResponseStart?.(this.#controller, status, headers, statusMessage);
    }
    while (!this.#controller.paused && !this.isStopped) {
      const chunk = chunks[this.#next];
      this.#next += 1;
      if (chunk === undefined) return true;
      this.#handler.onResponseData?.(this.#controller, chunk);
    }
    return false;
  }

  end(): void {
    this.#handler.onResponseEnd?.(this.#controller, this.#kept.trailers);
  }
}
