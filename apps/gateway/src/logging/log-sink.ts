import { closeSync, constants, mkdirSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';

/** Where lines go, and how many at a time; characters. */
export interface LogSinkOptions {
  /** A descriptor that is open already, or the path of a file, which is appended to. Its folders are made. */
  readonly destination: number | string;
  /** A write is begun when this much has gathered, or when `flushIntervalMs` have passed. */
  readonly minWrite: number;
  /** A write holds whole lines of at most this much together. */
  readonly maxWrite: number;
  /** Told of a write that failed, and (without an error) of each line that found no room. */
  readonly onFailure: (error: unknown) => void;
  /** @defaultValue 8 MiB */
  readonly maxQueued?: number;
  /** @defaultValue 500 */
  readonly flushIntervalMs?: number;
}

const MAX_QUEUED = 8 * 1024 * 1024;
const FLUSH_INTERVAL_MS = 500;
/** A pipe that is full and does not block is asked again so much later. */
const RETRY_MS = 100;
const LAST_FLUSH_MS = 1_000;
/** The reader of a pipe is gone, or the terminal: what waits is for nobody. */
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
  /** Whole lines, each text one write. */
  #full: string[] = [];
  #growing = '';
  #queued = 0;
  /** What is left of a write that failed or was cut short. */
  #rest: Buffer | undefined;
  #restLength = 0;
  #isWriting = false;
  /** The last flush: everything goes, and this is told when nothing is left or can be done. */
  #onLast: ((isWritten: boolean) => void) | undefined;

  constructor(options: LogSinkOptions) {
    this.#options = { maxQueued: MAX_QUEUED, flushIntervalMs: FLUSH_INTERVAL_MS, ...options };
    this.#descriptor = typeof options.destination === 'number' ? options.destination : openForAppending(options.destination);
    this.#timer = setInterval(() => this.#writeNext(), this.#options.flushIntervalMs).unref();
  }

  /** Takes a whole line, its line break included. */
  write(line: string): void {
    const { maxQueued, maxWrite, minWrite, onFailure } = this.#options;
    if (this.#queued + line.length > maxQueued) {
      onFailure(undefined);
      return;
    }
    this.#queued += line.length;
    if (this.#growing !== '' && this.#growing.length + line.length > maxWrite) {
      this.#full.push(this.#growing);
      this.#growing = line;
    } else this.#growing += line;
    if (this.#rest === undefined && (this.#full.length > 0 || this.#growing.length >= minWrite)) this.#writeNext();
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
   * destination takes nothing and says nothing: then one of the process's threads is in that write.
   */
  end(): Promise<boolean> {
    clearInterval(this.#timer);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settleLast(!this.#isWriting), LAST_FLUSH_MS);
      this.#onLast = (isWritten) => {
        clearTimeout(timer);
        resolve(isWritten);
      };
      this.#writeNext();
    });
  }

  #writeNext(): void {
    if (this.#isWriting) return;
    if (this.#rest === undefined) {
      if (this.#full.length === 0) {
        this.#full.push(this.#growing);
        this.#growing = '';
      }
      const text = this.#full.shift() ?? '';
      if (text === '') {
        this.#settleLast(true);
        return;
      }
      this.#rest = Buffer.from(text);
      this.#restLength = text.length;
    }
    this.#isWriting = true;
    write(this.#descriptor, this.#rest, (error, written) => this.#onWritten(error, written));
  }

  #onWritten(error: NodeJS.ErrnoException | null, written: number): void {
    this.#isWriting = false;
    this.#closeOutgoing();
    if (error !== null) {
      this.#onError(error);
      return;
    }
    const rest = this.#rest?.subarray(written);
    if (rest !== undefined && rest.length > 0) this.#rest = rest;
    else {
      this.#rest = undefined;
      this.#queued -= this.#restLength;
    }
    if (this.#rest !== undefined || this.#full.length > 0 || this.#growing.length >= this.#options.minWrite || this.#onLast !== undefined) this.#writeNext();
  }

  /** What was not written is tried again by the timer, or is given up at the end. */
  #onError(error: NodeJS.ErrnoException): void {
    if (error.code === 'EAGAIN') {
      setTimeout(() => this.#writeNext(), RETRY_MS).unref();
      return;
    }
    if (GONE.has(error.code)) {
      this.#full = [];
      this.#growing = '';
      this.#rest = undefined;
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
  // A named pipe must not hold up the start until somebody reads it, nor a write afterwards.
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o666);
}
