import type { Transform } from 'node:stream';
import zlib, { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { ByteBuffer } from './byte-buffer.ts';
import { ObserverError } from './observer-error.ts';

/** What a decoded copy needs. */
export interface DecodedCopyOptions {
  /** The value of `content-encoding`. */
  readonly coding: string;
  /** The most encoded bytes that wait to be decoded, and the most decoded bytes in all. */
  readonly maxLagBytes: number;
  readonly maxDecodedBytes: number;
  readonly onDecoded: (bytes: Uint8Array) => void;
  /** Called at most once; nothing is decoded after it. */
  readonly onError: (error: unknown) => void;
}

/** Decodes a copy of a body beside the relay. */
export interface DecodedCopy {
  write(chunk: Uint8Array): void;
  /** Resolves when all that can be decoded was; `isWhole` says whether an unfinished coding is an error. Never rejects. */
  end(isWhole: boolean): Promise<void>;
}

/** The coding of a body in lower case, `identity` when there is none; several codings stay a list. */
export function readContentCoding(rawHeaders: readonly string[]): string {
  const codings: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length !== 16 || rawHeaders[index]?.toLowerCase() !== 'content-encoding') continue;
    for (const coding of (rawHeaders[index + 1] ?? '').split(',')) {
      const name = coding.trim().toLowerCase();
      if (name !== '' && name !== 'identity') codings.push(name);
    }
  }
  return codings.length === 0 ? 'identity' : codings.join(', ');
}

/** Creates a decoded copy for gzip, deflate (zlib or raw), br and zstd; any other coding is an `unsupported_coding` error at the first byte. */
export function createDecodedCopy(options: DecodedCopyOptions): DecodedCopy {
  let decoder: Transform | undefined;
  /** Bytes that the decoder has, and those that came meanwhile: joined, because each write costs it objects and a trip to another thread. */
  let decodingBytes = 0;
  let waiting: ByteBuffer | undefined;
  let isEnding = false;
  let decodedBytes = 0;
  let isOver = false;
  let isWhole = true;
  let finish: (() => void) | undefined;

  const stop = (error?: unknown): void => {
    if (isOver) return;
    isOver = true;
    waiting = undefined;
    decoder?.destroy();
    if (error !== undefined) options.onError(error);
    finish?.();
  };
  const take = (bytes: Uint8Array): void => {
    if (isOver) return;
    decodedBytes += bytes.length;
    if (decodedBytes > options.maxDecodedBytes) {
      stop(new ObserverError('body_too_large', `the decoded body is over ${options.maxDecodedBytes} bytes`));
      return;
    }
    try {
      options.onDecoded(bytes);
    } catch (error) {
      stop(error);
    }
  };
  const open = (first: number): Transform | undefined => {
    const opened = createDecoder(options.coding, first);
    if (opened === undefined) {
      stop(new ObserverError('unsupported_coding', 'the body has a content coding that cannot be read'));
      return undefined;
    }
    opened.on('data', take);
    opened.on('end', () => stop());
    // A body that was cut ends inside its coding; that is news only when its framing said that it was whole.
    opened.on('error', (cause) => stop(isWhole ? new ObserverError('decoding', 'the body is not what its content coding says', { cause }) : undefined));
    return opened;
  };

  const decode = (running: Transform, bytes: Uint8Array): void => {
    decodingBytes = bytes.length;
    running.write(bytes, () => {
      decodingBytes = 0;
      if (isOver) return;
      const next = waiting;
      waiting = undefined;
      if (next !== undefined) decode(running, next.view());
      else if (isEnding) running.end();
    });
  };
  return {
    write: (chunk) => {
      if (isOver || chunk.length === 0) return;
      decoder ??= open(chunk[0] ?? 0);
      if (decoder === undefined) return;
      if (decodingBytes + (waiting?.length ?? 0) + chunk.length > options.maxLagBytes) stop(new ObserverError('lagging', `over ${options.maxLagBytes} bytes wait to be decoded`));
      else if (decodingBytes === 0) decode(decoder, Uint8Array.from(chunk));
      else if (waiting === undefined) waiting = new ByteBuffer(chunk);
      else waiting.append(chunk);
    },
    end: async (whole) => {
      if (isOver || decoder === undefined) return;
      isWhole = whole;
      const running = decoder;
      await new Promise<void>((resolve) => {
        finish = resolve;
        isEnding = true;
        if (decodingBytes === 0) running.end();
      });
    },
  };
}

function createDecoder(coding: string, first: number): Transform | undefined {
  switch (coding) {
    case 'gzip': case 'x-gzip': return createGunzip();
    // RFC 9110 section 8.4.1.2: zlib it should be, raw is what some send; the first byte of zlib has 8 in its low half.
    case 'deflate': return (first & 0x0f) === 8 ? createInflate() : createInflateRaw();
    case 'br': return createBrotliDecompress();
    case 'zstd': return zlib.createZstdDecompress();
    default: return undefined;
  }
}
