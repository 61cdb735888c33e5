import { Buffer } from 'node:buffer';
import type { Dispatcher } from 'undici';

/** What the rewrite needs to know. */
export interface ResultsUrlRewrite {
  /** Origins whose `results_url` is rewritten: the upstream's own and the public API's. */
  readonly origins: readonly string[];
  /** What replaces the origin, such as `http://gateway:8000/anthropic`. */
  readonly base: string;
}

const MAX_BODY_BYTES = 8 * 1024 * 1024;
const FIELD = /("results_url"[ \t\r\n]*:[ \t\r\n]*")(https?:\/\/[^/"\\]+)(?=\/v1\/messages\/batches\/)/g;

/**
 * Replaces the origin in every `results_url` of a batch object and leaves all other bytes alone. In JSON text an unescaped
 * `"results_url"` before a colon can only be a member name: inside a string its quotes would be escaped.
 */
export function rewriteResultsUrls(body: Buffer, { origins, base }: ResultsUrlRewrite): Buffer {
  // latin1 maps each byte to one character and back.
  const text = body.toString('latin1');
  const rewritten = text.replace(FIELD, (field, before: string, origin: string) => (origins.includes(origin) ? before + base : field));
  return rewritten === text ? body : Buffer.from(rewritten, 'latin1');
}

/**
 * A dispatch handler in front of the relay that rewrites the one URL in batch objects: the only change to a body that the
 * gateway knows, off by default. A JSON answer is held until it is whole; anything else, and anything over 8 MiB, passes as it is.
 */
export class ResultsUrlRewriter implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #rewrite: ResultsUrlRewrite;
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #start: { readonly status: number; readonly headers: Record<string, string | string[] | undefined>; readonly message: string | undefined } | undefined;

  constructor(inner: Dispatcher.DispatchHandler, rewrite: ResultsUrlRewrite) {
    this.#inner = inner;
    this.#rewrite = rewrite;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#inner.onRequestStart?.(controller, context);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>, message?: string): void {
    const isJson = status === 200 && /^application\/json\b/i.test(String(headers['content-type'])) && headers['content-encoding'] === undefined;
    if (!isJson) {
      this.#inner.onResponseStart?.(controller, status, headers, message);
      return;
    }
    this.#held = [];
    this.#start = { status, headers, message };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#held === undefined) {
      this.#inner.onResponseData?.(controller, chunk);
      return;
    }
    this.#held.push(Buffer.from(chunk));
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_BODY_BYTES) this.#release(controller, (body) => body);
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: Record<string, string | string[] | undefined>): void {
    this.#release(controller, (body) => rewriteResultsUrls(body, this.#rewrite));
    this.#inner.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    // What came before the break is passed on, so that the client sees a broken answer and not a late one.
    this.#release(controller, (body) => body);
    this.#inner.onResponseError?.(controller, error);
  }

  #release(controller: Dispatcher.DispatchController, change: (body: Buffer) => Buffer): void {
    if (this.#held === undefined || this.#start === undefined) return;
    const before = Buffer.concat(this.#held);
    const body = change(before);
    const { status, headers, message } = this.#start;
    this.#held = undefined;
    this.#inner.onResponseStart?.(body === before ? controller : withLength(controller, body.length), status, headers, message);
    if (body.length > 0) this.#inner.onResponseData?.(controller, body);
  }
}

/** The controller with the `content-length` of another body; everything else is the original's. */
function withLength(controller: Dispatcher.DispatchController, length: number): Dispatcher.DispatchController {
  const rawHeaders = controller.rawHeaders as Buffer[];
  const changed = rawHeaders.map((text, index) =>
    (index % 2 === 1 && rawHeaders[index - 1]?.toString('latin1').toLowerCase() === 'content-length' ? Buffer.from(String(length)) : text));
  return new Proxy(controller, {
    get(target, name) {
      if (name === 'rawHeaders') return changed;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) as unknown : value;
    },
  });
}
