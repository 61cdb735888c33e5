import { Buffer } from 'node:buffer';
import type { Dispatcher } from 'undici';

/** What the rewrite needs to know. */
export interface ResultsUrlRewrite {
  /** Origins whose `results_url` is rewritten: the upstream's own and the public API's. */
  readonly origins: readonly string[];
  /** What replaces the origin, such as `http://gateway:8000/anthropic`. */
  readonly base: string;
}

const NAME = '"results_url"';
/** Bounded, so that a field is found or not wherever the answer is cut: a longer one, by its white space or its origin, is passed on as it is. */
const FIELD = /("results_url"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}")(https?:\/\/[^/"\\]{1,272})(?=\/v1\/messages\/batches\/)/g;
/** A field that the text ends in: more of it may make it one to rewrite. */
const OPEN_FIELD = /^"results_url"[ \t\r\n]{0,64}(?::[ \t\r\n]{0,64}(?:"[^"\\]{0,300})?)?$/;
/** More than the longest such field. */
const MAX_FIELD_BYTES = 512;
const NO_BYTES = Buffer.alloc(0);

/**
 * Replaces the origin in every `results_url` of a batch object as its bytes pass and leaves all other bytes alone. In JSON text an
 * unescaped `"results_url"` before a colon can only be a member name: inside a string its quotes would be escaped. At most one field is held.
 */
export class ResultsUrlText {
  readonly #rewrite: ResultsUrlRewrite;
  /** The beginning of a field that the last chunk broke off. */
  #open = '';

  constructor(rewrite: ResultsUrlRewrite) {
    this.#rewrite = rewrite;
  }

  /** The bytes that can be passed on now: the chunk itself where nothing in it is changed or held. */
  write(chunk: Buffer): Buffer {
    // latin1 maps each byte to one character and back.
    const text = this.#open + chunk.toString('latin1');
    const openAt = findOpenField(text);
    const { origins, base } = this.#rewrite;
    const decided = text.slice(0, openAt);
    const rewritten = decided.replace(FIELD, (field, before: string, origin: string) => (origins.includes(origin) ? before + base : field));
    const isChunk = this.#open === '' && openAt === text.length && rewritten === decided;
    this.#open = text.slice(openAt);
    return isChunk ? chunk : Buffer.from(rewritten, 'latin1');
  }

  /** What was held: no more comes, so it is no field to rewrite. */
  end(): Buffer {
    const open = this.#open;
    this.#open = '';
    return open === '' ? NO_BYTES : Buffer.from(open, 'latin1');
  }
}

/** Where a field begins that is not decided yet; the text's length when there is none. */
function findOpenField(text: string): number {
  const last = text.lastIndexOf(NAME);
  if (last !== -1) {
    const tail = text.slice(last, last + MAX_FIELD_BYTES + 1);
    if (tail.length <= MAX_FIELD_BYTES && OPEN_FIELD.test(tail)) return last;
  }
  const quote = text.lastIndexOf('"');
  return quote !== -1 && text.length - quote < NAME.length && NAME.startsWith(text.slice(quote)) ? quote : text.length;
}

/**
 * A dispatch handler in front of the relay that rewrites the one URL in batch objects: the only change to the body of a response that the
 * gateway knows, off by default. A JSON answer passes as it comes, in chunks, because its length is not known before its end; any other as it is.
 */
export class ResultsUrlRewriter implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #rewrite: ResultsUrlRewrite;
  #text: ResultsUrlText | undefined;

  constructor(inner: Dispatcher.DispatchHandler, rewrite: ResultsUrlRewrite) {
    this.#inner = inner;
    this.#rewrite = rewrite;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#inner.onRequestStart?.(controller, context);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>, message?: string): void {
    const isJson = status === 200 && /^application\/json\b/i.test(String(headers['content-type'])) && headers['content-encoding'] === undefined;
    if (isJson) this.#text = new ResultsUrlText(this.#rewrite);
    this.#inner.onResponseStart?.(isJson ? withoutLength(controller) : controller, status, headers, message);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#pass(controller, this.#text === undefined ? chunk : this.#text.write(chunk));
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: Record<string, string | string[] | undefined>): void {
    this.#passHeld(controller);
    this.#inner.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#passHeld(controller);
    this.#inner.onResponseError?.(controller, error);
  }

  #passHeld(controller: Dispatcher.DispatchController): void {
    if (this.#text !== undefined) this.#pass(controller, this.#text.end());
  }

  #pass(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (bytes.length > 0) this.#inner.onResponseData?.(controller, bytes);
  }
}

/** The controller with the head of a chunked body in place of a counted one; everything else is the original's. */
function withoutLength(controller: Dispatcher.DispatchController): Dispatcher.DispatchController {
  const rawHeaders = controller.rawHeaders as Buffer[];
  const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toString('latin1').toLowerCase() === 'content-length');
  if (at === -1) return controller;
  const changed = rawHeaders.with(at, Buffer.from('transfer-encoding')).with(at + 1, Buffer.from('chunked'));
  return new Proxy(controller, {
    get(target, name) {
      if (name === 'rawHeaders') return changed;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) as unknown : value;
    },
  });
}
