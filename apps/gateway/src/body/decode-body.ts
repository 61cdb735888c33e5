import { Buffer } from 'node:buffer';
import zlib, { constants, createBrotliDecompress, createGunzip, createInflate, type Gunzip } from 'node:zlib';
import { ChunkList } from '@penstock/inbound-server';
import { createZstdFrameWalk } from './zstd-frame-walk.ts';

/** Decodes a copy of a compressed body for the scanner; the client's own bytes are what is forwarded. */
export interface BodyDecoder {
  /** `false` when the decoder lags behind: stop writing until it drained. */
  write(chunk: Buffer): boolean;
  onceDrained(listener: () => void): void;
  /** Ends the input; `done` runs when the last decoded byte was handed on. */
  end(done: () => void): void;
  /** A corrupt body, or what the sink threw. */
  onFailure(listener: (error: unknown) => void): void;
  destroy(): void;
  /** Decoded bytes so far. */
  decodedBytes(): number;
}

/** The most bytes that wait while the decoder is at work. */
const MAX_WAITING_BYTES = 64 * 1024;

/** A content coding that is not known, or a body that is not in its declared coding. */
export class BodyCodingError extends Error {
  override readonly name = 'BodyCodingError';
  readonly code: 'unknown' | 'corrupt';

  constructor(code: BodyCodingError['code'], message: string, cause?: Error) {
    super(message, { cause });
    this.code = code;
  }
}

type Transform = Pick<Gunzip, 'on' | 'once' | 'write' | 'end' | 'destroy'>;

/** Bytes behind the end of the compressed stream would cross unread; a second reader may take them. Not in Node's types yet. */
const WHOLE: object = { rejectGarbageAfterEnd: true };

/** Every zstd reader has to know windows of 8 MB (RFC 8878 section 3.1.1.1.2); larger ones would cost us 128 MB a request. */
const ZSTD = { ...WHOLE, params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(WHOLE),
  'x-gzip': () => createGunzip(WHOLE),
  deflate: () => createInflate(WHOLE),
  br: () => createBrotliDecompress(WHOLE),
  zstd: () => zlib.createZstdDecompress(ZSTD),
};

/** The codings that a request body may have, as `accept-encoding` lists them in the answer to any other (RFC 9110 section 12.5.3). */
export const REQUEST_CODINGS = 'gzip, deflate, br, zstd';

/**
 * A decoder for a `content-encoding` (RFC 9110 section 8.4), `undefined` for identity. Throws a `BodyCodingError` for
 * any other coding and for several codings on top of each other. How much may come out is the sink's to bound: what it throws
 * destroys the decoder before more is inflated.
 */
export function createBodyDecoder(contentEncoding: string | undefined, sink: (chunk: Buffer) => void): BodyDecoder | undefined {
  const coding = contentEncoding?.trim().toLowerCase();
  if (coding === undefined || coding === '' || coding === 'identity') return undefined;
  const create = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (create === undefined) {
    throw new BodyCodingError('unknown', 'The content coding of the request is not supported: use gzip, deflate, br, zstd or none.');
  }
  const transform = create();
  const walk = coding === 'zstd' ? createZstdFrameWalk() : undefined;
  let fail: (error: unknown) => void = () => undefined;
  let decodedBytes = 0;
  transform.on('data', (chunk: Buffer) => {
    decodedBytes += chunk.length;
    try {
      sink(chunk);
    } catch (error) {
      transform.destroy();
      fail(error);
    }
  });
  const invalid = (cause?: Error): BodyCodingError => new BodyCodingError('corrupt', `The request body is not valid ${coding}.`, cause);
  transform.on('error', (cause: Error) => { fail(invalid(cause)); });
  // Joined while the decoder is at work: each write costs it a trip to another thread, and a body may come in chunks of one byte.
  const waiting = new ChunkList();
  let isDecoding = false;
  let onIdle: (() => void) | undefined;
  const decode = (bytes: Buffer): void => {
    isDecoding = true;
    transform.write(bytes, (error) => {
      isDecoding = false;
      if (error instanceof Error) return;
      const bytesWaiting = waiting.byteLength;
      if (bytesWaiting > 0) decode(Buffer.concat(waiting.take(), bytesWaiting));
      const notify = onIdle;
      onIdle = undefined;
      notify?.();
    });
  };
  const endWhenRead = (): void => {
    if (isDecoding) onIdle = endWhenRead;
    else transform.end();
  };
  return {
    write: (chunk) => {
      walk?.write(chunk);
      if (isDecoding) waiting.append(chunk);
      else decode(chunk);
      return waiting.byteLength < MAX_WAITING_BYTES;
    },
    decodedBytes: () => decodedBytes,
    onceDrained: (listener) => { onIdle = listener; },
    end: (done) => {
      transform.once('end', () => {
        if (walk?.isWhole === false) fail(invalid());
        else done();
      });
      endWhenRead();
    },
    onFailure: (listener) => { fail = listener; },
    destroy: () => { transform.destroy(); },
  };
}
