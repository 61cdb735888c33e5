import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';

/** What is asked of another machine, and within which bounds. */
export interface GuardedRequest {
  /** @defaultValue 'GET' */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Authorities to trust beside the usual ones, as PEM. */
  readonly ca?: string | undefined;
  /** An egress proxy, through which a tunnel is opened to every machine but this one. It resolves names itself: to which address one leads is then its decision. */
  readonly proxy?: string | undefined;
  /** Milliseconds for everything: resolving, connecting, the whole answer. */
  readonly timeoutMs: number;
  /** Bytes of the answer's body at most. */
  readonly maxBytes: number;
}

/** An answer, whole. A redirect is an answer like any other and is never followed. */
export interface GuardedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Why there is no answer: `address` for one that is refused, `network` with the system's code for the rest. */
export type FetchFailure = 'scheme' | 'address' | 'timeout' | 'too_large' | 'network';

/** No answer came, or one that is not taken. */
export class GuardedFetchError extends Error {
  override readonly name = 'GuardedFetchError';
  readonly failure: FetchFailure;

  constructor(failure: FetchFailure, cause?: unknown) {
    super(`the request failed (${failure})`, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

/** Reads a body whole, up to so many bytes. Rejects with a `GuardedFetchError`. */
export async function gather(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    // Leaving the loop destroys the body and its connection.
    if (length > maxBytes) throw new GuardedFetchError('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
