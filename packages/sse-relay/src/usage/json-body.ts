import { createDecodedCopy, type DecodedCopy } from '../observer/decoded-copy.ts';
import { ObserverError } from '../observer/observer-error.ts';

/** What keeping a JSON body needs. */
export interface JsonBodyOptions {
  /** The value of `content-encoding`, `identity` when there is none. */
  readonly coding: string;
  readonly maxBytes: number;
  readonly maxLagBytes: number;
  /** Called with the whole decoded body; a throw is reported as `invalid_json`. */
  readonly onBody: (body: Uint8Array) => void;
  readonly onError: (error: unknown) => void;
}

/** Takes a body as it passes. */
export interface BodyReading {
  onChunk(chunk: Uint8Array): void;
  onEnd(how: string): Promise<void> | undefined;
}

/** Keeps a JSON body, bounded, and reads it once it is whole. A body that was cut is not read: half a JSON text says nothing. */
export function createJsonBody(options: JsonBodyOptions): BodyReading {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let isGivenUp = false;
  const giveUp = (error: unknown): void => {
    isGivenUp = true;
    chunks = [];
    options.onError(error);
  };
  const keep = (chunk: Uint8Array): void => {
    if (isGivenUp) return;
    bytes += chunk.length;
    if (bytes > options.maxBytes) giveUp(new ObserverError('body_too_large', `a JSON body is over ${options.maxBytes} bytes`));
    else chunks.push(chunk);
  };
  const copy: DecodedCopy | undefined = options.coding === 'identity' ? undefined : createDecodedCopy({
    coding: options.coding, maxLagBytes: options.maxLagBytes, maxDecodedBytes: options.maxBytes, onDecoded: keep, onError: giveUp,
  });
  const read = (how: string): void => {
    if (isGivenUp || how !== 'complete' || bytes === 0) return;
    const body = Buffer.concat(chunks);
    chunks = [];
    try {
      options.onBody(body);
    } catch (cause) {
      options.onError(new ObserverError('invalid_json', 'a JSON body is not JSON', { cause }));
    }
  };
  return {
    onChunk: (chunk) => {
      if (copy === undefined) keep(Uint8Array.from(chunk));
      else copy.write(chunk);
    },
    onEnd: (how) => {
      if (copy !== undefined) return copy.end(how === 'complete').then(() => read(how));
      read(how);
      return undefined;
    },
  };
}
