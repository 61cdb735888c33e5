import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/**
 * What every relay on this stack must pay: node:http in front, undici behind, back-pressure, abort, and nothing else. It has
 * no failure rule, no clock, no observer and no record of what happened.
 */
export class FloorRelay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('close', () => { if (!response.writableFinished) this.#controller?.abort(new Error('client gone')); });
    response.on('drain', () => this.#controller?.resume());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void { this.#controller = controller; }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, statusMessage = ''): void {
    const { rawHeaders } = controller;
    const parts = Array.isArray(rawHeaders) ? rawHeaders.map((part: Buffer | string) => part.toString('latin1')) : [];
    this.#response.writeHead(status, statusMessage, parts.filter((_, index) => !HOP_BY_HOP.has(parts[index - index % 2]?.toLowerCase() ?? '')));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void { this.#response.end(); }
  onResponseError(): void { this.#response.destroy(); }
}
