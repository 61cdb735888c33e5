import { Buffer } from 'node:buffer';
import { gatherRequestBody, readRequestBody, type RequestBodyFailure } from '@penstock/inbound-server';
import type { ByteLease } from './byte-budget.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import { ClientGone, GatewayError } from '../request/gateway-error.ts';

/** A body that streams through: files and batches, never gathered. */
export interface Upload {
  readonly body: AsyncIterable<Buffer>;
  /** Bytes announced by the client; `undefined` for a chunked body. */
  readonly contentLength: number | undefined;
  /** Bytes that came through so far. */
  readonly bytes: () => number;
  /** Why the body stopped before its end; `undefined` while nothing went wrong. */
  readonly failure: () => unknown;
}

/**
 * The request body as it arrives, with the upstream's back-pressure. Its clock runs only while we wait for the client: time
 * in which the upstream does not take bytes is bounded by the upstream's write-stall clock.
 */
export function receiveUpload(inbound: InboundRequest, maxBytes: number): Upload {
  const { contentLength } = inbound.head;
  if (contentLength !== undefined && contentLength > maxBytes) throw uploadTooLarge(maxBytes);
  if (inbound.expectsContinue) inbound.response.writeContinue();
  const { chunks, bytes, failure } = readRequestBody(inbound.request, { maxBytes, limits: inbound.limits, createError: (reason) => UPLOAD_ERRORS[reason](maxBytes) });
  return { body: chunks, contentLength, bytes, failure };
}

const UPLOAD_ERRORS: Readonly<Record<RequestBodyFailure, (maxBytes: number) => Error>> = {
  too_large: uploadTooLarge,
  too_slow: () => new GatewayError('request_timeout', 'The request body arrived too slowly.'),
  client_gone: () => new ClientGone(),
};

/** Reads a small upload whole; `lease` covers its bytes as they come. Rejects with why it stopped. */
export async function gatherUpload({ body }: Upload, lease: ByteLease): Promise<Buffer> {
  return Buffer.concat(await gatherRequestBody(body, (bytes) => {
    if (!lease.cover(bytes)) throw new GatewayError('overloaded', lease.describeSpent(), { retryAfterSeconds: 1 });
  }));
}

/** Reads a body that must be empty to its end: an empty one is no body (a chunked one shows that only then). Rejects when it is not. */
export async function receiveNothing({ body }: Upload): Promise<void> {
  // With a maximum of no bytes it ends or throws before it gives a chunk.
  for await (const chunk of body) throw new Error(`an upload of no bytes gave ${chunk.length}`);
}

function uploadTooLarge(maxBytes: number): GatewayError {
  if (maxBytes === 0) return new GatewayError('bad_request', 'A request with this method and path takes no body: leave it out.');
  return new GatewayError('too_large', `The request body exceeds the maximum size of ${maxBytes} bytes.`);
}
