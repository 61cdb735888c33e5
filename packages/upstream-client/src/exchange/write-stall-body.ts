import { Buffer } from 'node:buffer';

/** Pieces this large are handed to the socket, so that progress is seen at least once per piece. */
const PIECE_BYTES = 65_536;

/** Who sends a body. */
export interface BodySender {
  onWriteStall(): void;
  /** Whether everything that was handed over is with the operating system. */
  isFlushed(): boolean;
}

interface ToldOfFlushes { onFlushed(): void }

function isToldOfFlushes(source: object): source is ToldOfFlushes {
  return 'onFlushed' in source && typeof source.onFlushed === 'function';
}

/**
 * A request body that notices when the upstream stops taking it.
 *
 * undici asks for the next piece only once the socket has taken the last one, so the clock runs from handing a piece
 * over to being asked for the next. It stands still while the source itself is waited for: that is the source's delay.
 */
export class WriteStallBody implements AsyncIterableIterator<Uint8Array> {
  private readonly iterable: AsyncIterable<unknown> | Iterable<unknown>;
  private readonly stallMs: number;
  private readonly sender: BodySender;
  private readonly told: ToldOfFlushes | undefined;
  /** Of the two kinds of source at most one is open. Bytes that are there already are not waited for. */
  private source: Iterator<unknown> | undefined;
  private asyncSource: AsyncIterator<unknown> | undefined;
  /** One timer for all pieces, begun anew with each. */
  private timer: NodeJS.Timeout | undefined;
  /** Whether a piece was handed over and the next one not asked for yet. */
  private isHandedOver = false;
  /** What is left of a chunk that was larger than a piece. */
  private rest: Uint8Array | undefined;
  private stopped = false;
  /** What the source threw. */
  failure: unknown = undefined;

  constructor(iterable: AsyncIterable<unknown> | Iterable<unknown>, stallMs: number, sender: BodySender) {
    this.iterable = iterable;
    this.stallMs = stallMs;
    this.sender = sender;
    this.told = isToldOfFlushes(iterable) ? iterable : undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    this.isHandedOver = false;
    // With a rest, a part of the same memory is still to be sent.
    if (this.told !== undefined && this.rest === undefined && this.sender.isFlushed()) this.tellOfFlush(this.told);
    while (this.rest === undefined || this.rest.byteLength === 0) {
      const pulled = this.pull();
      const result = pulled instanceof Promise ? await pulled : pulled;
      if (result.done === true || this.stopped) { this.stopClock(); return { done: true, value: undefined }; }
      this.rest = this.toBytes(result.value);
    }
    const piece = this.rest.byteLength > PIECE_BYTES ? this.rest.subarray(0, PIECE_BYTES) : this.rest;
    this.rest = this.rest.byteLength > PIECE_BYTES ? this.rest.subarray(PIECE_BYTES) : undefined;
    if (!this.stopped) this.startClock();
    return { done: false, value: piece };
  }

  private tellOfFlush(told: ToldOfFlushes): void {
    try {
      told.onFlushed();
    } catch (error) {
      this.keepFailure(error);
    }
  }

  /** The next chunk of the source; what it throws is kept, apart from the upstream's failures. Its name must not be `METHOD_CALLED_ON_BODIES`. */
  private pull(): IteratorResult<unknown> | Promise<IteratorResult<unknown>> {
    try {
      if (this.source === undefined && this.asyncSource === undefined) this.open();
      if (this.source !== undefined) return this.source.next();
      return Promise.resolve(this.asyncSource?.next() ?? { done: true, value: undefined }).catch((error: unknown) => this.keepFailure(error));
    } catch (error) {
      return this.keepFailure(error);
    }
  }

  private open(): void {
    if (Symbol.asyncIterator in this.iterable) this.asyncSource = this.iterable[Symbol.asyncIterator]();
    else this.source = this.iterable[Symbol.iterator]();
  }

  private toBytes(value: unknown): Uint8Array {
    if (value instanceof Uint8Array) return value;
    if (typeof value === 'string') return Buffer.from(value);
    return this.keepFailure(new TypeError(`a body chunk must be a Uint8Array or a string, received ${typeof value}`));
  }

  private keepFailure(error: unknown): never {
    this.failure = error;
    throw error;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.stop();
    return { done: true, value: undefined };
  }

  private startClock(): void {
    this.isHandedOver = true;
    if (this.timer === undefined) this.timer = setTimeout(check, this.stallMs, this);
    else this.timer.refresh();
  }

  /** Called by the timer, which may have been set for a piece that was taken since. */
  check(): void {
    this.timer = undefined;
    if (this.isHandedOver) this.sender.onWriteStall();
  }

  /** Stops the clock for good, for a response that came before the request was sent. */
  stopClock(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isHandedOver = false;
  }

  /** Ends the body of a request that is over. */
  giveUp(onSourceError: (thrown: unknown) => void): void {
    this.stop().catch(onSourceError);
  }

  /** Ends the body. A source that was read from is told to release what it holds; an untouched one is left to its owner. */
  private async stop(): Promise<void> {
    this.stopClock();
    if (this.stopped) return;
    this.stopped = true;
    this.source?.return?.();
    await this.asyncSource?.return?.();
  }
}

function check(body: WriteStallBody): void {
  body.check();
}
