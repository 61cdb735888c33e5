import { Buffer } from 'node:buffer';
import { closeSync, constants, mkdirSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';

/** Where lines go, and how many at a time; bytes. */
export interface LogSinkOptions {
  /** A descriptor that is open already, or the path of a file, which is appended to. Its folders are made. */
  readonly destination: number | string;
  /** A write is begun when this much has gathered, or when `flushIntervalMs` have passed. */
  readonly minWrite: number;
  /** A write holds whole lines of at most this much together. */
  readonly maxWrite: number;
  /** Called for a write that failed, and (without an error) for each line that found no room. */
  readonly onFailure: (error: unknown) => void;
  /** What waits at most; batches that lines do not fill may take twice as much memory. @defaultValue 8 MiB */
  readonly maxQueued?: number;
  /** @defaultValue 500 */
  readonly flushIntervalMs?: number;
  /** How long `end` writes on; a write under way then may take as long again before the destination counts as stuck. @defaultValue 1_000 */
  readonly lastFlushMs?: number;
}

const MAX_QUEUED = 8 * 1024 * 1024;
const FLUSH_INTERVAL_MS = 500;
/** The pause before another write to a full pipe that does not block. */
const RETRY_MS = 100;
const LAST_FLUSH_MS = 1_000;
/** A unit of UTF-16 has at most so many bytes in UTF-8. */
const MOST_BYTES_A_UNIT = 3;
/** Whole lines that are written together, in UTF-8. */
interface Batch {
  readonly bytes: Buffer;
  length: number;
}

/** The reader of a pipe, or the terminal, is gone: queued lines have no receiver. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'EBADF']);

/**
 * Writes log lines beside the requests, one write at a time. What a full disk or a slow reader does not take waits, up to a bound;
 * nothing here blocks, throws or keeps the process alive. Opening a file fails at once, with the reason.
 */
export class LogSink {
  readonly #options: Required<LogSinkOptions>;
  readonly #timer: NodeJS.Timeout;
  #descriptor: number;
  /** Replaced by `reopen`; closed when no write is on it. */
  #outgoing: number | undefined;
  #full: Batch[] = [];
  /**
   * Each line is put into bytes at once. A text that grew by them would be a tree of some ten thousand pieces by the time it is
   * written, which every garbage collection until then copies.
   */
  #growing: Batch;
  /** A batch that was written: with it, two are enough for as long as the destination keeps up. */
  #spare: Buffer | undefined;
  #queued = 0;
  /** On its way; what was not taken of it begins at `#written`. */
  #leaving: Batch | undefined;
  #written = 0;
  #isWriting = false;
  /** The last flush: called when every line is written, or none can be. */
  #onLast: ((isWritten: boolean) => void) | undefined;
  /** Whether the time of the last flush is over while a write is under way: its return is the end. */
  #isLate = false;

  constructor(options: LogSinkOptions) {
    this.#options = { maxQueued: MAX_QUEUED, flushIntervalMs: FLUSH_INTERVAL_MS, lastFlushMs: LAST_FLUSH_MS, ...options };
    this.#descriptor = typeof options.destination === 'number' ? options.destination : openForAppending(options.destination);
    this.#growing = this.#newBatch(0);
    this.#timer = setInterval(() => this.#writeNext(), this.#options.flushIntervalMs).unref();
  }

  /** Takes a whole line, its line break included. */
  write(line: string): void {
    const { maxQueued, maxWrite, minWrite, onFailure } = this.#options;
    const growing = this.#growing;
    const most = line.length * MOST_BYTES_A_UNIT;
    // It surely fits, so that its bytes need not be counted before they are written.
    if (growing.length + most <= maxWrite && this.#queued + most <= maxQueued) {
      const written = growing.bytes.write(line, growing.length);
      growing.length += written;
      this.#queued += written;
      if (this.#leaving === undefined && (this.#full.length > 0 || growing.length >= minWrite)) this.#writeNext();
      return;
    }
    const length = Buffer.byteLength(line);
    if (this.#queued + length > maxQueued) {
      onFailure(undefined);
      return;
    }
    this.#queued += length;
    if (this.#growing.length > 0 && this.#growing.length + length > maxWrite) {
      this.#full.push(this.#growing);
      this.#growing = this.#newBatch(length);
    } else if (length > this.#growing.bytes.length) this.#growing = this.#newBatch(length);
    this.#growing.length += this.#growing.bytes.write(line, this.#growing.length);
    if (this.#leaving === undefined && (this.#full.length > 0 || this.#growing.length >= minWrite)) this.#writeNext();
  }

  /** Opens the file anew, under its name: what was moved away is let go. A descriptor that came open stays. */
  reopen(): void {
    const { destination, onFailure } = this.#options;
    if (typeof destination === 'number' || this.#outgoing !== undefined) return;
    try {
      const reopened = openForAppending(destination);
      this.#outgoing = this.#descriptor;
      this.#descriptor = reopened;
      if (!this.#isWriting) this.#closeOutgoing();
    } catch (error) {
      onFailure(error);
    }
  }

  /**
   * The last flush. Resolves to `true` when there is nothing more to wait for, be it because a write failed, and to `false` when the
   * destination neither takes bytes nor fails: then one of the process's threads is in that write.
   */
  end(): Promise<boolean> {
    clearInterval(this.#timer);
    const { lastFlushMs } = this.#options;
    return new Promise((resolve) => {
      let timer = setTimeout(() => {
        if (!this.#isWriting) {
          this.#settleLast(true);
          return;
        }
        // A destination that is full answers a write at once; only one that holds the thread does not answer this one either.
        this.#isLate = true;
        timer = setTimeout(() => this.#settleLast(false), lastFlushMs);
      }, lastFlushMs);
      this.#onLast = (isWritten) => {
        clearTimeout(timer);
        resolve(isWritten);
      };
      this.#writeNext();
    });
  }

  /** An empty batch for lines of `maxWrite` together, or for a longer one alone. */
  #newBatch(length: number): Batch {
    const { maxWrite } = this.#options;
    const spare = length > maxWrite ? undefined : this.#spare;
    if (spare !== undefined) this.#spare = undefined;
    return { bytes: spare ?? Buffer.allocUnsafeSlow(Math.max(length, maxWrite)), length: 0 };
  }

  #writeNext(): void {
    if (this.#isWriting) return;
    if (this.#leaving === undefined) {
      const next = this.#full.shift() ?? this.#takeGrowing();
      if (next === undefined) {
        this.#settleLast(true);
        return;
      }
      this.#leaving = next;
      this.#written = 0;
    }
    this.#isWriting = true;
    const { bytes, length } = this.#leaving;
    write(this.#descriptor, bytes, this.#written, length - this.#written, null, (error, written) => this.#onWritten(error, written));
  }

  #takeGrowing(): Batch | undefined {
    if (this.#growing.length === 0) return undefined;
    const taken = this.#growing;
    this.#growing = this.#newBatch(0);
    return taken;
  }

  #onWritten(error: NodeJS.ErrnoException | null, written: number): void {
    this.#isWriting = false;
    this.#closeOutgoing();
    if (this.#isLate) {
      this.#settleLast(true);
      return;
    }
    if (error !== null) {
      this.#onError(error);
      return;
    }
    this.#written += written;
    const batch = this.#leaving;
    if (batch !== undefined && this.#written === batch.length) {
      this.#leaving = undefined;
      this.#queued -= batch.length;
      if (batch.bytes.length === this.#options.maxWrite) this.#spare = batch.bytes;
    }
    if (this.#leaving !== undefined || this.#full.length > 0 || this.#growing.length >= this.#options.minWrite || this.#onLast !== undefined) this.#writeNext();
  }

  /** What was not written is tried again by the timer, or is given up at the end. */
  #onError(error: NodeJS.ErrnoException): void {
    if (error.code === 'EAGAIN') {
      setTimeout(() => this.#writeNext(), RETRY_MS).unref();
      return;
    }
    if (GONE.has(error.code)) {
      this.#full = [];
      this.#growing.length = 0;
      this.#leaving = undefined;
      this.#queued = 0;
    }
    this.#options.onFailure(error);
    this.#settleLast(true);
  }

  #settleLast(isWritten: boolean): void {
    this.#onLast?.(isWritten);
    this.#onLast = undefined;
  }

  #closeOutgoing(): void {
    if (this.#outgoing === undefined) return;
    try {
      closeSync(this.#outgoing);
    } catch (error) {
      this.#options.onFailure(error);
    }
    this.#outgoing = undefined;
  }
}

function openForAppending(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  // A named pipe must not block the start until it has a reader, nor a write afterwards.
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o666);
}
