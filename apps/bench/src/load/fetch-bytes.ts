import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { HttpReader } from '../wire/http-reader.ts';
import { bodyOf, requestChoices } from './request-bytes.ts';
import type { Target } from './target.ts';

/** One response, read to its end. */
export interface FetchedBytes {
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The first bytes of the body as text. */
  readonly text: string;
  /** The SHA-256 of the request's body. */
  readonly sentSha256: string;
}

const TEXT_BYTES = 4_096;

/** Sends one request and reads all of its response, to compare bytes. */
export function fetchBytes(target: Target): Promise<FetchedBytes> {
  return new Promise((resolve, reject) => {
    const digest = createHash('sha256');
    const sentSha256 = createHash('sha256').update(bodyOf(target)).digest('hex');
    let bytes = 0;
    let text = '';
    const socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
    const reader = new HttpReader({
      onBody: (piece) => {
        digest.update(piece);
        bytes += piece.length;
        if (text.length < TEXT_BYTES) text += piece.toString('latin1', 0, TEXT_BYTES - text.length);
      },
      onMessage: (head) => {
        // An informational response comes before the one that counts.
        if (head.startsWith('HTTP/1.1 1')) return;
        resolve({ status: Number(head.slice(9, 12)), bytes, sha256: digest.digest('hex'), text, sentSha256 });
        socket.destroy();
      },
    });
    socket.setTimeout(30_000, () => socket.destroy(new Error('no whole response in 30 s')));
    socket.on('connect', () => socket.write(requestChoices(target)[0] as Buffer));
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection closed before the response was whole')));
  });
}
