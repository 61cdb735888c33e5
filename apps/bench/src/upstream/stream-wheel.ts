import type { Socket } from 'node:net';
import type { Spinner } from '../peer-process/spinner.ts';
import { nowMicroseconds, stampOf, writeStamp } from '../wire/stamp.ts';
import { STAMP_OFFSET, STREAM_END, STREAM_EVENT, STREAM_HEAD, STREAM_START } from '../wire/upstream-answers.ts';

interface PacedStream {
  readonly index: number;
  readonly socket: Socket;
  /** When in each period its event is due, microseconds. */
  readonly phase: number;
  /** Its listener; a kept connection carries many streams. */
  readonly onClose: () => void;
  /** Events still to send. */
  left: number;
}

/** Sends events on many streams: each in a random phase of its own, exact to a turn of the event loop where it spins, or each as soon as the one before was received. */
export class StreamWheel {
  readonly #isSaturated: boolean;
  readonly #period: number;
  readonly #spinner: Spinner;
  /** In the order of their phases. */
  readonly #ring: PacedStream[] = [];
  readonly #byIndex = new Map<number, PacedStream>();
  #timer: NodeJS.Timeout | undefined;
  /** The stream that is due next, and when the present period began. */
  #next = 0;
  #periodStart = nowMicroseconds();
  #added = 0;

  constructor(pace: number | 'saturated', spinner: Spinner) {
    this.#isSaturated = pace === 'saturated';
    this.#period = pace === 'saturated' ? 1 : 1e6 / pace;
    this.#spinner = spinner;
  }

  get size(): number {
    return this.#byIndex.size;
  }

  /** Begins a stream of `events` deltas (0: endless). */
  add(socket: Socket, events: number): void {
    socket.write(Buffer.concat([STREAM_HEAD.next(), STREAM_START]));
    const stream: PacedStream = { index: this.#added, socket, phase: Math.random() * this.#period, onClose: () => this.#remove(stream), left: events === 0 ? Number.POSITIVE_INFINITY : events };
    this.#added += 1;
    this.#byIndex.set(stream.index, stream);
    socket.once('close', stream.onClose);
    if (this.#isSaturated) { this.#send(stream); return; }
    const found = this.#ring.findIndex(({ phase }) => phase > stream.phase);
    const place = found === -1 ? this.#ring.length : found;
    this.#ring.splice(place, 0, stream);
    if (place < this.#next) this.#next += 1;
    this.#timer ??= setInterval(() => { if (!this.#spinner.isSpinning) this.turn(); }, 1);
  }

  /** Sends all events that are due. What is late by more than a period is left out: no stream is sent two events at once. */
  turn(): void {
    if (this.#ring.length === 0) return;
    const now = nowMicroseconds();
    if (now - this.#periodStart > 2 * this.#period) this.#periodStart = now - this.#period;
    for (;;) {
      const stream = this.#ring[this.#next];
      if (stream === undefined) {
        if (this.#ring.length === 0 || this.#periodStart + this.#period > now) return;
        this.#next = 0;
        this.#periodStart += this.#period;
      } else {
        if (this.#periodStart + stream.phase > now) return;
        this.#next += 1;
        this.#send(stream);
      }
    }
  }

  onEventReceived(index: number): void {
    const stream = this.#isSaturated ? this.#byIndex.get(index) : undefined;
    if (stream !== undefined) this.#send(stream);
  }

  #send(stream: PacedStream): void {
    if (stream.left === 0) {
      this.#remove(stream);
      stream.socket.write(STREAM_END);
      return;
    }
    stream.left -= 1;
    const event = Buffer.from(STREAM_EVENT);
    writeStamp(event, STAMP_OFFSET, stampOf(stream.index, nowMicroseconds()));
    stream.socket.write(event);
  }

  #remove(stream: PacedStream): void {
    if (!this.#byIndex.delete(stream.index)) return;
    stream.socket.off('close', stream.onClose);
    const place = this.#ring.indexOf(stream);
    if (place !== -1) {
      this.#ring.splice(place, 1);
      if (place < this.#next) this.#next -= 1;
    }
    if (this.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
