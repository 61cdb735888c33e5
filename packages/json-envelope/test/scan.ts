import { createEnvelopeScanner, isEnvelopeError, type Envelope, type EnvelopeScannerOptions } from '../src/index.ts';

/** What a scanner said of a text: its envelope, or the code and place of its refusal. */
export type Verdict = { envelope: Envelope } | { code: string; byteOffset: number };

/** Scans chunks as one text; any error that is not an EnvelopeError is a bug and is thrown on. */
export function scanChunks(chunks: Iterable<Uint8Array>, options?: EnvelopeScannerOptions): Verdict {
  const scanner = createEnvelopeScanner({ plain: process.env['PENSTOCK_PLAIN'] === '1', ...options });
  try {
    for (const chunk of chunks) scanner.write(chunk);
    return { envelope: scanner.end() };
  } catch (error) {
    if (!isEnvelopeError(error)) throw error;
    return { code: error.code, byteOffset: error.byteOffset };
  }
}

/** Scans a text that came in one chunk. */
export function scanText(text: string | Uint8Array, options?: EnvelopeScannerOptions): Verdict {
  return scanChunks([typeof text === 'string' ? Buffer.from(text) : text], options);
}

/** Reads a text that must be acceptable. */
export function readEnvelope(text: string | Uint8Array, options?: EnvelopeScannerOptions): Envelope {
  const verdict = scanText(text, options);
  if ('envelope' in verdict) return verdict.envelope;
  throw new Error(`refused: ${verdict.code} at byte ${verdict.byteOffset}`);
}

/** Cuts bytes at the given places; places out of order, repeated or outside the bytes make empty chunks, which are fine. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  const edges = [0, ...sorted, bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

/** Every byte as a chunk of its own. */
export function eachByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
}
