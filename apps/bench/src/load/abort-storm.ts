import { connect } from 'node:net';
import { requestBytes } from './request-bytes.ts';
import type { Target } from './target.ts';

/** How many streams are opened and cut. */
export interface AbortStormOptions {
  readonly target: Target;
  readonly streams: number;
  readonly atOnce: number;
}

/** Opens streams and cuts each with a reset as soon as it has begun. Returns how many had begun. */
export async function runAbortStorm({ target, streams, atOnce }: AbortStormOptions): Promise<number> {
  const bytes = requestBytes(target);
  let left = streams;
  let begun = 0;
  const one = (): Promise<void> => new Promise((resolve) => {
    const socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
    socket.on('connect', () => socket.write(bytes));
    socket.once('data', () => {
      begun += 1;
      socket.resetAndDestroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return begun;
}
