import { connect, type Socket } from 'node:net';
import { ageOf, nowMicroseconds, StampReader, streamOf } from '../wire/stamp.ts';
import { type Latencies, LatencySamples, type TimedLatency } from './latency-samples.ts';
import { requestBytes } from './request-bytes.ts';
import type { Target } from './target.ts';

/** What a set of streams received since it was last asked. */
export interface StreamReading {
  readonly events: number;
  readonly open: number;
  readonly latencies: Latencies;
}

const OPENING_AT_ONCE = 64;

/** Many streams held open at once. */
export class StreamSet {
  readonly #sockets = new Set<Socket>();
  readonly #samples = new LatencySamples();
  readonly #buffer = Buffer.allocUnsafe(65_536);
  readonly #onEvent: (stream: number) => void;
  #events = 0;

  /** `onEvent` is called with the upstream's number of a stream for each of its events. */
  constructor(onEvent: (stream: number) => void) {
    this.#onEvent = onEvent;
  }

  /** Opens `count` streams; resolves when each has received its first bytes. */
  async open(target: Target, count: number): Promise<void> {
    const bytes = requestBytes(target);
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#openOne(target.port, bytes);
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, OPENING_AT_ONCE) }, worker));
  }

  read(): StreamReading {
    const events = this.#events;
    this.#events = 0;
    return { events, open: this.#sockets.size, latencies: this.#samples.take() };
  }

  /** The slowest of the events that were received since they were last read, a share of them. */
  slowest(share: number): readonly TimedLatency[] {
    return this.#samples.slowest(share);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    })));
    this.read();
  }

  #openOne(port: number, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const stamps = new StampReader((stamp) => {
        this.#events += 1;
        const now = nowMicroseconds();
        this.#samples.add(ageOf(stamp, now) / 1_000, now);
        this.#onEvent(streamOf(stamp));
      });
      let isOpen = false;
      // One buffer for all sockets: thousands of streams must not make this process the one that is measured.
      const socket = connect({
        port, host: '127.0.0.1', noDelay: true,
        onread: {
          buffer: this.#buffer,
          callback: (length, buffer) => {
            const chunk = buffer.subarray(0, length);
            if (!isOpen) {
              isOpen = true;
              const text = Buffer.from(chunk).toString('latin1', 0, 600);
              if (text.startsWith('HTTP/1.1 200')) resolve(); else reject(new Error(`a stream was refused: ${text}`));
            }
            stamps.push(chunk);
            return true;
          },
        },
      });
      this.#sockets.add(socket);
      socket.on('connect', () => socket.write(bytes));
      socket.on('error', reject);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        reject(new Error('a stream closed before its head'));
      });
    });
  }
}
