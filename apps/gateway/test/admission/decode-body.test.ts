import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BodyCodingError, createBodyDecoder } from '../../src/body/decode-body.ts';

const CODINGS = [['gzip', gzipSync], ['x-gzip', gzipSync], ['GZIP', gzipSync], ['deflate', deflateSync], ['br', brotliCompressSync], ['zstd', zstdCompressSync]] as const;
const BODY = Buffer.from(JSON.stringify({ model: 'm', text: 'é'.repeat(5_000) }));

/** Decodes in pieces; resolves with the decoded bytes or the failure. */
function decode(coding: string, bytes: Buffer, pieceBytes: number = bytes.length, sink?: (chunk: Buffer) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const decoder = createBodyDecoder(coding, sink ?? ((chunk) => { chunks.push(chunk); }));
    if (decoder === undefined) throw new Error('no decoder');
    decoder.onFailure(reject);
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) decoder.write(bytes.subarray(offset, offset + pieceBytes));
    decoder.end(() => resolve(Buffer.concat(chunks)));
  });
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'decoded', (error: unknown) => (error instanceof BodyCodingError ? error.code : error));

describe.each(CODINGS)('%s', (coding, encode) => {
  test('decodes at any split', async () => {
    expect(await decode(coding, encode(BODY), 7)).toEqual(BODY);
    expect(await decode(coding, encode(BODY))).toEqual(BODY);
  });

  test('a truncated or corrupt body is a bad request', async () => {
    const encoded = encode(BODY);
    for (const missing of [1, 4, encoded.length - 20]) expect(await codeOf(decode(coding, encoded.subarray(0, -missing)))).toBe('corrupt');
    expect(await codeOf(decode(coding, Buffer.from('this was never compressed')))).toBe('corrupt');
    expect(await codeOf(decode(coding, Buffer.alloc(0)).then((decoded) => (decoded.length === 0 ? Promise.reject(new Error('empty')) : decoded)))).not.toBe('decoded');
  });

  test('bytes behind the end are a bad request (they would cross unread)', async () => {
    expect(await codeOf(decode(coding, Buffer.concat([encode(BODY), Buffer.from('{"model":"other"}')])))).toBe('corrupt');
  });

  test('decoding: an error of the sink ends it before more is inflated (a bomb)', async () => {
    const bomb = encode(Buffer.alloc(8 * 1024 * 1024));
    let decoded = 0;
    const stop = new Error('enough');
    await expect(decode(coding, bomb, bomb.length, (chunk) => {
      decoded += chunk.length;
      if (decoded > 1024 * 1024) throw stop;
    })).rejects.toBe(stop);
    expect(decoded).toBeLessThan(1.2 * 1024 * 1024);
  });
});

test('identity, an empty coding and none need no decoder', () => {
  for (const coding of [undefined, '', ' ', 'identity', 'Identity']) expect(createBodyDecoder(coding, () => undefined)).toBeUndefined();
});

test.each(['gzip, gzip', 'gzip,br', 'compress', 'lzma', 'toString', '__proto__', 'gzip;q=1'])('%j is an unsupported coding', (coding) => {
  expect(() => createBodyDecoder(coding, () => undefined)).toThrow(expect.objectContaining({ code: 'unknown' }));
});

test('raw deflate is no deflate (RFC 9110 section 8.4.1.2)', async () => {
  expect(await codeOf(decode('deflate', deflateRawSync(BODY)))).toBe('corrupt');
});

test('a zstd window over 8 MB is refused (it would cost that much memory, whatever the body)', async () => {
  const noise = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7919) % 256));
  const wide = zstdCompressSync(Buffer.concat([noise, Buffer.alloc(10 * 1024 * 1024), noise]), { params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 } });
  expect(await codeOf(decode('zstd', wide))).toBe('corrupt');
});
