import { Buffer } from 'node:buffer';
import type { UpstreamBody } from '@penstock/upstream-client';
import { editChunks, type BodyEdit } from './body-edit.ts';
import { ReplayableBody } from './replayable-body.ts';

/** The body of one request over all of its tries. */
export interface RequestBodies {
  /** The body of the next try. Throws a `TypeError` for an edit of a body that is no text, bytes or list of chunks, and a `RangeError` for one outside of it. */
  next(edit?: BodyEdit): UpstreamBody;
  /** Whether another try would have the same bytes. */
  canRepeat(): boolean;
  /** No further try but the one that comes next, or is under way. */
  release(): void;
  /** The request is answered, or over: a rest of the body may still be under way. */
  dispose(): void;
}

/** Decides how a body is given to several tries. */
export function createRequestBodies(body: UpstreamBody | ReplayableBody | undefined): RequestBodies {
  if (body instanceof ReplayableBody) return new GatheredBodies(body);
  return isStream(body) ? new StreamedBodies(body) : new WholeBodies(body ?? null);
}

/** A body that is sent again as it is. */
class WholeBodies implements RequestBodies {
  #body: UpstreamBody;

  constructor(body: UpstreamBody) {
    this.#body = body;
  }

  next(edit?: BodyEdit): UpstreamBody {
    return edit === undefined ? this.#body : editChunks(chunksOf(this.#body), edit);
  }

  canRepeat(): boolean {
    return true;
  }

  release(): void {
    // There is nothing to release before the end.
  }

  dispose(): void {
    this.#body = null;
  }
}

/** A body that releases its memory. */
class GatheredBodies implements RequestBodies {
  readonly #body: ReplayableBody;

  constructor(body: ReplayableBody) {
    this.#body = body;
  }

  next(edit?: BodyEdit): UpstreamBody {
    return this.#body.open(edit);
  }

  canRepeat(): boolean {
    return true;
  }

  release(): void {
    this.#body.release();
  }

  dispose(): void {
    this.#body.release();
  }
}

function chunksOf(body: UpstreamBody): readonly Uint8Array[] {
  if (typeof body === 'string') return [Buffer.from(body)];
  if (body instanceof Uint8Array) return [body];
  if (Array.isArray(body)) return body as readonly Uint8Array[];
  throw new TypeError('only a body that is text, bytes or a list of chunks can be edited');
}

type Streamed = Iterable<unknown> | AsyncIterable<unknown>;

/** What can be iterated over only once, for all that is known of it. FormData can be read again. */
function isStream(body: unknown): body is Streamed {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array || Array.isArray(body)) return false;
  if (Symbol.toStringTag in body && body[Symbol.toStringTag] === 'FormData') return false;
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}

/** A body that is read while it is sent: it can be given to another try only while none has begun to read it. */
class StreamedBodies implements RequestBodies {
  readonly #source: Streamed;
  #isDrawn = false;

  constructor(source: Streamed) {
    this.#source = source;
  }

  next(edit?: BodyEdit): UpstreamBody {
    if (edit !== undefined) throw new TypeError('a body that is streamed cannot be edited');
    const source = this.#source;
    const draw = (): void => { this.#isDrawn = true; };
    if (Symbol.asyncIterator in source) return { [Symbol.asyncIterator]: () => { draw(); return source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>; } };
    return passFlushes(source, () => { draw(); return source[Symbol.iterator]() as Iterator<Uint8Array>; });
  }

  canRepeat(): boolean {
    return !this.#isDrawn;
  }

  release(): void {
    // The try that reads it ends it.
  }

  dispose(): void {
    // As above.
  }
}

function passFlushes(source: object, open: () => Iterator<Uint8Array>): UpstreamBody {
  if (!('onFlushed' in source) || typeof source.onFlushed !== 'function') return { [Symbol.iterator]: open };
  const { onFlushed } = source;
  return { [Symbol.iterator]: open, onFlushed: () => { onFlushed.call(source); } };
}
