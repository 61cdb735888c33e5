import type { Socket } from 'node:net';
import { nowMicroseconds, STAMP_BYTES, writeStamp } from '../wire/stamp.ts';
import { STAMP_OFFSET, STREAM_END, STREAM_EVENT, STREAM_HEAD, STREAM_START } from '../wire/upstream-answers.ts';

interface PacedStream {
  readonly socket: Socket;
  readonly onEnd: () => void;
  /** Events still to send. */
  left: number;
}

/** Sends events on many streams, each in a random phase of its own, with one timer for all of them. */
export class StreamWheel {
  readonly #slots: Set<PacedStream>[];
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;
  size = 0;

  constructor(eventsPerSecond: number) {
    this.#slots = Array.from({ length: Math.max(1, Math.round(1_000 / eventsPerSecond)) }, () => new Set<PacedStream>());
  }

  /** Begins a stream of `events` deltas (0: endless); `onEnd` is called once it was written to its end or its socket closed. */
  add(socket: Socket, events: number, onEnd: () => void): void {
    socket.write(Buffer.concat([STREAM_HEAD, STREAM_START]));
    const slot = this.#slots[Math.floor(Math.random() * this.#slots.length)] as Set<PacedStream>;
    const stream: PacedStream = { socket, onEnd, left: events === 0 ? Number.POSITIVE_INFINITY : events };
    slot.add(stream);
    this.size += 1;
    socket.once('close', () => this.#remove(slot, stream));
    if (this.#timer !== undefined) return;
    this.#tick = Math.floor(performance.now());
    this.#timer = setInterval(() => this.#turn(), 1);
  }

  #turn(): void {
    const now = Math.floor(performance.now());
    // A late timer catches up, at most one period: no stream is sent two events at once.
    for (this.#tick = Math.max(this.#tick, now - this.#slots.length); this.#tick < now; this.#tick += 1) {
      for (const stream of this.#slots[this.#tick % this.#slots.length] as Set<PacedStream>) this.#send(stream);
    }
    if (this.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #send(stream: PacedStream): void {
    if (stream.left === 0) {
      stream.socket.write(STREAM_END);
      for (const slot of this.#slots) this.#remove(slot, stream);
      return;
    }
    stream.left -= 1;
    stream.socket.write(stampedEvent());
  }

  #remove(slot: Set<PacedStream>, stream: PacedStream): void {
    if (!slot.delete(stream)) return;
    this.size -= 1;
    stream.onEnd();
  }
}

/** One event that says when it was sent. */
export function stampedEvent(): Buffer {
  const event = Buffer.from(STREAM_EVENT);
  writeStamp(event, STAMP_OFFSET, nowMicroseconds());
  return event;
}

/** The events of a stream that is written at once; their stamps are equal, so that its bytes are known beforehand. */
export function wholeStream(events: number): Buffer {
  const event = Buffer.from(STREAM_EVENT);
  event.fill('0', STAMP_OFFSET, STAMP_OFFSET + STAMP_BYTES);
  return Buffer.concat([STREAM_HEAD, STREAM_START, ...Array.from({ length: events }, () => event), STREAM_END]);
}
