import type { Readable } from 'node:stream';
import type { Dispatcher, FormData } from 'undici';
import type { RequestPhase } from './upstream-error.ts';
import type { RequestTimeouts } from './options.ts';

/** An iterable body that is told when nobody reads its bytes any more. */
export interface FlushedBody extends Iterable<Uint8Array> {
  /**
   * Called between two pieces, and after the last, while everything that was taken so far is with the operating system: its memory may
   * be freed or used anew. A piece that is still on its way is not told of alone but with a later one, or never. Not called over HTTP/2.
   */
  onFlushed(): void;
}

/**
 * A request body; a list of chunks is sent as one body with `content-length`, never concatenated above 64 KiB. What an iterable gives is
 * sent piece by piece, and not held once it was sent.
 */
export type UpstreamBody = null | string | Uint8Array | readonly Uint8Array[] | Readable | FlushedBody | Iterable<Uint8Array> | AsyncIterable<Uint8Array | string> | FormData;

/** What makes a request hold its slot for long: sending its body, or everything. */
export type LongLived = 'upload' | 'exchange';

/** Options of one request: undici's own, with clocks. */
export interface UpstreamDispatchOptions extends Omit<Dispatcher.DispatchOptions, 'body' | 'headers' | 'upgrade'> {
  /** Absent: the client's own origin; any other is refused with `origin_mismatch`. */
  readonly origin?: string | URL;
  /** A flat name, value, … array keeps order, case and repeats. `host` may only repeat the client's own origin. */
  readonly headers?: Dispatcher.DispatchOptions['headers'];
  readonly body?: UpstreamBody;
  /**
   * What the handler reads of the response head. With `raw`, `controller.rawHeaders` is a flat list of latin1 names and values as they came, and
   * `headers` is empty where undici parses no head (it does with `plain`, HTTP/2, or a subscriber to its diagnostics). undici's own handlers read
   * `headers`.
   * @defaultValue 'parsed'
   */
  readonly responseFields?: 'parsed' | 'raw';
  /**
   * Whose request it is: a name out of a bounded set. A slot that becomes free goes to the waiting client that holds fewest. Absent or
   * empty: one client with all others that have none.
   */
  readonly client?: string | undefined;
  /**
   * Whose share of the slots it takes, where several callers have one `client` name: each of them is served as a client of its own, and
   * `stats()` shows them together. There may be any number. @defaultValue `client`
   */
  readonly caller?: string | undefined;
  /**
   * Counts the request among those that hold a slot for long, of which `longLivedShare` of the slots are held at most: to its end
   * (`exchange`, for streams of hours and long polls), or until its body was sent (`upload`). Absent: not.
   */
  readonly longLived?: LongLived | undefined;
  /** Clocks of this request, over those of the client. */
  readonly timeouts?: Partial<RequestTimeouts>;
}

/** When each phase of a request began, in `performance.now` milliseconds. */
export interface RequestTimings {
  readonly enqueuedAt: number;
  readonly acquiredAt?: number;
  readonly connectedAt?: number;
  /** The whole request was handed to the socket. */
  readonly sentAt?: number;
  /** The final response head arrived. */
  readonly headAt?: number;
}

/** Controls one request from the moment it was dispatched; `abort` works in every phase, also while paused. */
export interface UpstreamController extends Dispatcher.DispatchController {
  readonly phase: RequestPhase;
  readonly timings: RequestTimings;
  /** Whether the request went out over a connection that had served another one. */
  readonly reusedConnection: boolean;
}

/**
 * undici's dispatch handler; the controller is an `UpstreamController`, and `onRequestStart` is called when the request is enqueued.
 *
 * A chunk of a response is the receiver's: it is not written again, and may be kept or written to another socket without a copy. It is a view of
 * what was read from the connection in one piece (at most 64 KiB), all of which stays in memory as long as one view of it does.
 */
export interface UpstreamHandler extends Dispatcher.DispatchHandler {
  onRequestStart?(controller: UpstreamController, context: unknown): void;
  /**
   * Called instead of `onResponseData` where one chunk of a chunked body (RFC 9112 section 7.1) was read alone and whole: `framed` is the chunk as it came, and its
   * data stands from `start` to `end`. The size has no leading zeros and no extension, so that the chunk may be written as it is. `receivedAt` is
   * `performance.now()` milliseconds. A handler that lacks it, such as an interceptor's, gets all data by `onResponseData`.
   */
  onFramedData?(controller: UpstreamController, framed: Buffer, start: number, end: number, receivedAt: number): void;
}
