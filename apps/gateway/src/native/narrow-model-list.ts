import { Buffer } from 'node:buffer';
import { UpstreamError } from '@penstock/upstream-client';
import type { Dispatcher } from 'undici';

/** Bytes of the longest list that is narrowed: a list of all models has some thousand. */
export const LONGEST_MODEL_LIST_BYTES: number = 4 * 1024 * 1024;

interface ModelList {
  readonly data: readonly { readonly id: string }[];
  readonly has_more?: unknown;
  readonly first_id?: unknown;
  readonly last_id?: unknown;
}

/**
 * A dispatch handler in front of the relay that takes out of a list of models those that are not open to the caller. The answer is held until it is
 * whole; where all of its models are open its bytes pass as they are. One that cannot be read is an invalid answer: it must not pass unread.
 */
export class ModelListNarrower implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #isOpen: (model: string) => boolean;
  #head: [status: number, headers: Record<string, string | string[] | undefined>, message: string | undefined] | undefined;
  #chunks: Buffer[] = [];
  #length = 0;
  #failure: Error | undefined;

  constructor(inner: Dispatcher.DispatchHandler, isOpen: (model: string) => boolean) {
    this.#inner = inner;
    this.#isOpen = isOpen;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#inner.onRequestStart?.(controller, context);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>, message?: string): void {
    // An error crosses as it is.
    if (status === 200) this.#head = [status, headers, message];
    else this.#inner.onResponseStart?.(controller, status, headers, message);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#head === undefined) {
      this.#inner.onResponseData?.(controller, chunk);
      return;
    }
    this.#length += chunk.length;
    if (this.#length > LONGEST_MODEL_LIST_BYTES) {
      this.#failure = unreadable();
      this.#chunks = [];
      controller.abort(this.#failure);
    } else this.#chunks.push(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: Record<string, string | string[] | undefined>): void {
    if (this.#head === undefined) {
      this.#inner.onResponseEnd?.(controller, trailers);
      return;
    }
    const [status, headers, message] = this.#head;
    const whole = Buffer.concat(this.#chunks);
    const body = headers['content-encoding'] === undefined ? narrow(whole, this.#isOpen) : undefined;
    if (body === undefined) {
      this.#inner.onResponseError?.(controller, unreadable());
      return;
    }
    this.#inner.onResponseStart?.(body === whole ? controller : withLength(controller, body.length), status, headers, message);
    if (body.length > 0) this.#inner.onResponseData?.(controller, body);
    this.#inner.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#inner.onResponseError?.(controller, this.#failure ?? error);
  }
}

function unreadable(): Error {
  return new UpstreamError('the list of models could not be read', { code: 'invalid_response', phase: 'receiving' });
}

/** The list without the models that are not open; the same bytes where all are, `undefined` where it is no list of models. */
function narrow(whole: Buffer, isOpen: (model: string) => boolean): Buffer | undefined {
  const list = parseList(whole);
  if (list === undefined) return undefined;
  const data = list.data.filter(({ id }) => isOpen(id));
  if (data.length === list.data.length) return whole;
  // While there is more, these are the places from which the next page is asked for: they may name a model that is not shown.
  const ends = list.has_more === true ? {} : { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return Buffer.from(JSON.stringify({ ...list, data, ...ends }));
}

function parseList(whole: Buffer): ModelList | undefined {
  try {
    const list = JSON.parse(whole.toString('utf8')) as Partial<ModelList> | null;
    const isList = Array.isArray(list?.data) && list.data.every((model: unknown) => typeof model === 'object' && model !== null && typeof (model as { id?: unknown }).id === 'string');
    return isList ? list as ModelList : undefined;
  } catch {
    return undefined;
  }
}

/** The controller with the length of another body in its head; everything else is the original's. */
function withLength(controller: Dispatcher.DispatchController, length: number): Dispatcher.DispatchController {
  const fields: Buffer[] = [];
  const rawHeaders = controller.rawHeaders as Buffer[];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] as Buffer, rawHeaders[at + 1] as Buffer];
    // A validator or digest of the whole list is none of a part of it.
    if (!/^(?:content-length|transfer-encoding|etag|content-digest|repr-digest|content-md5)$/i.test(name.toString('latin1'))) fields.push(name, value);
  }
  fields.push(Buffer.from('content-length'), Buffer.from(String(length)));
  return new Proxy(controller, {
    get(target, name) {
      if (name === 'rawHeaders') return fields;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) as unknown : value;
    },
  });
}
