/** Pieces this large are handed to the socket, so that progress is seen at least once per piece. */
const PIECE_BYTES = 65_536;

type Source = AsyncIterator<unknown> | Iterator<unknown>;

/**
 * A request body that notices when the upstream stops taking it.
 *
 * undici asks for the next piece only once the socket has taken the last one, so the clock runs from handing a piece
 * over to being asked for the next. It stands still while the source itself is waited for: that is the source's delay.
 */
export class WriteStallBody implements AsyncIterableIterator<Uint8Array> {
  private source: Source | undefined;
  private readonly iterable: AsyncIterable<unknown> | Iterable<unknown>;
  private readonly stallMs: number;
  private readonly onStall: () => void;
  private timer: NodeJS.Timeout | undefined;
  /** What is left of a chunk that was larger than a piece. */
  private rest: Uint8Array | undefined;
  private stopped = false;
  /** What the source threw. */
  failure: unknown = undefined;

  constructor(iterable: AsyncIterable<unknown> | Iterable<unknown>, stallMs: number, onStall: () => void) {
    this.iterable = iterable;
    this.stallMs = stallMs;
    this.onStall = onStall;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    this.stopClock();
    while (this.rest === undefined || this.rest.byteLength === 0) {
      const chunk = await this.pull();
      if (chunk === undefined || this.stopped) return { done: true, value: undefined };
      this.rest = chunk;
    }
    const piece = this.rest.subarray(0, PIECE_BYTES);
    this.rest = this.rest.byteLength > PIECE_BYTES ? this.rest.subarray(PIECE_BYTES) : undefined;
    if (!this.stopped) this.timer = setTimeout(this.onStall, this.stallMs);
    return { done: false, value: piece };
  }

  /** The next chunk of the source, `undefined` at its end; what it throws is kept, to be told from the upstream's failures. Not named `read`, which undici would call. */
  private async pull(): Promise<Uint8Array | undefined> {
    try {
      this.source ??= openSource(this.iterable);
      const { done, value } = await this.source.next();
      return done === true ? undefined : toBytes(value);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.stop();
    return { done: true, value: undefined };
  }

  /** Stops the clock for good, for a response that came before the request was sent. */
  stopClock(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
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
    await this.source?.return?.();
  }
}

function openSource(iterable: AsyncIterable<unknown> | Iterable<unknown>): Source {
  return Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
}

function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  throw new TypeError(`a body chunk must be a Uint8Array or a string, received ${typeof value}`);
}
