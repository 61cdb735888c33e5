import type { IncomingMessage } from 'node:http';
import { BodyProgress } from './body-progress.ts';
import { ChunkList } from './chunk-list.ts';
import type { InboundLimits } from './inbound-limits.ts';

/** Why the body of a request stopped before its end. */
export type RequestBodyFailure = 'too_large' | 'too_slow' | 'client_gone';

/** The options of `readRequestBody`. */
export interface RequestBodyOptions {
  /** More bytes end the body with `too_large`. */
  readonly maxBytes: number;
  /** The progress that the client must make, as for `BodyProgress`. */
  readonly limits: Pick<InboundLimits, 'bodyStepTimeoutMs' | 'bodyStepBytes'>;
  /** Creates the error with which the body ends. */
  readonly createError: (failure: RequestBodyFailure) => Error;
}

/** A request body as it arrives. */
export interface RequestBody {
  /** The chunks, once, with backpressure. It ends with the error of `createError`. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Bytes read so far. */
  readonly bytes: () => number;
  /** The error with which the body ended; `undefined` before, and if it was whole. */
  readonly failure: () => Error | undefined;
}

/**
 * Reads the body of a request without destroying its connection: a request that failed can still be answered. The timer runs only while the
 * client is waited for, not while the reader is busy. If the reader stops early, the rest is read and discarded.
 */
export function readRequestBody(request: IncomingMessage, options: RequestBodyOptions): RequestBody {
  const progress: Progress = { bytes: 0, failure: undefined };
  return { chunks: read(request, options, progress), bytes: () => progress.bytes, failure: () => progress.failure };
}

/** A body of at most this size is read whole before its request takes a connection of an upstream: a slow client then holds none. */
export const GATHERED_BODY_BYTES = 65_536;

/** Reads a body whole. `onBytes` receives the number of bytes read so far; an exception in it ends the reading, as a failure of the body does. */
export async function gatherRequestBody(chunks: AsyncIterable<Buffer>, onBytes?: (bytes: number) => void): Promise<Buffer[]> {
  const gathered = new ChunkList();
  for await (const chunk of chunks) {
    onBytes?.(gathered.byteLength + chunk.byteLength);
    gathered.append(chunk);
  }
  return gathered.take();
}

interface Progress {
  bytes: number;
  failure: Error | undefined;
}

async function* read(request: IncomingMessage, { maxBytes, limits, createError }: RequestBodyOptions, progress: Progress): AsyncGenerator<Buffer, void, void> {
  let wake: (() => void) | undefined;
  const onReadable = (): void => wake?.();
  const timer = new BodyProgress(limits, () => {
    progress.failure = createError('too_slow');
    wake?.();
  });
  request.on('readable', onReadable);
  request.on('end', onReadable);
  request.on('close', onReadable);
  try {
    for (;;) {
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) {
        progress.bytes += chunk.length;
        timer.add(chunk.length);
        if (progress.bytes > maxBytes) progress.failure = createError('too_large');
        if (progress.failure !== undefined) throw progress.failure;
        timer.pause();
        yield chunk;
        timer.resume();
        continue;
      }
      if (request.readableEnded) return;
      if (request.destroyed) progress.failure ??= createError('client_gone');
      if (progress.failure !== undefined) throw progress.failure;
      await new Promise<void>((resolve) => { wake = resolve; });
      wake = undefined;
    }
  } finally {
    timer.pause();
    request.off('readable', onReadable);
    request.off('end', onReadable);
    request.off('close', onReadable);
    // After an early answer of the upstream the client must be able to send the rest, or it never reads that answer.
    if (!request.readableEnded) request.resume();
  }
}
