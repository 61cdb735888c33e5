import { Buffer } from 'node:buffer';
import { ChunkList, readRequestBody, type RequestBodyFailure } from '@penstock/inbound-server';
import { FrontDoorError, type ReceivedBody } from '@penstock/openai-front-door';
import type { ByteLease } from './byte-budget.ts';
import { BodyCodingError, REQUEST_CODINGS } from './decode-body.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import { JsonCheckError, type JsonCheck } from './json-check.ts';
import { beginDecoding, type BodyDecoding } from './body-decoding.ts';

const FAILURES: Readonly<Record<RequestBodyFailure, () => FrontDoorError>> = {
  too_slow: () => new FrontDoorError('request_timeout', 'The request body arrived too slowly.'),
  client_gone: () => new FrontDoorError('client_gone', 'The client left before its request was complete.'),
  // No maximum is given: `receiveBody` counts both forms of a body, and a body that is relayed as it comes has none.
  too_large: () => new FrontDoorError('too_large', 'The request body is too large.'),
};

/** The request body as it arrives, at the reader's pace. Its clock runs only while the client is waited for. */
export function streamBody({ request, limits }: InboundRequest): AsyncIterable<Buffer> {
  return readRequestBody(request, { maxBytes: Number.POSITIVE_INFINITY, limits, createError: (failure) => FAILURES[failure]() }).chunks;
}

/** How one body is received. */
export interface ReceiptOptions {
  /** The most bytes, as they come and decoded. */
  readonly maxBytes: number;
  readonly check: JsonCheck;
}

/**
 * Gathers a JSON body while it is checked, so that what is no JSON is refused as soon as it is seen. A compressed one is kept as it came, to be
 * relayed, and decoded, to be read. 415 for an unknown coding, 413 from its length at once, else when either form was counted; 429 when the
 * budget is spent, 408 when it comes too slowly.
 */
export async function receiveBody(inbound: InboundRequest, lease: ByteLease, { maxBytes, check }: ReceiptOptions): Promise<ReceivedBody> {
  const { contentEncoding, contentLength } = inbound.head;
  const received = new ChunkList();
  const decoded = new ChunkList();
  const hold = (): void => {
    if (received.byteLength > maxBytes) throw tooLarge(maxBytes);
    if (!lease.cover(received.byteLength + decoded.byteLength)) throw new FrontDoorError('overloaded', lease.describeSpent(), { retryAfterSeconds: 1 });
  };
  let decoding: BodyDecoding | undefined;
  try {
    decoding = beginDecoding(contentEncoding, (chunk) => {
      check.write(chunk);
      decoded.append(chunk);
      hold();
    });
    if ((contentLength ?? 0) > maxBytes) throw tooLarge(maxBytes);
    for await (const chunk of streamBody(inbound)) {
      received.append(chunk);
      hold();
      if (decoding === undefined) check.write(chunk);
      else await decoding.write(chunk);
    }
    await decoding?.end();
    check.end();
  } catch (error) {
    throw describeFailure(error, maxBytes, decoding !== undefined);
  } finally {
    decoding?.destroy();
  }
  const bytes = joined(received);
  return { bytes, json: decoding === undefined ? bytes : joined(decoded) };
}

function joined(chunks: ChunkList): Buffer {
  const length = chunks.byteLength;
  return Buffer.concat(chunks.take(), length);
}

function tooLarge(maxBytes: number): FrontDoorError {
  return new FrontDoorError('too_large', `The request body is larger than ${maxBytes} bytes.`);
}

/** The `FrontDoorError` for what is wrong with a body; any other failure as it is. */
function describeFailure(error: unknown, maxBytes: number, isDecoded: boolean): unknown {
  if (error instanceof JsonCheckError) {
    if (error.code === 'too_large') return tooLarge(maxBytes);
    return new FrontDoorError('invalid_json', `The request body ${error.message} (byte ${error.byteOffset}${isDecoded ? ' after decoding' : ''}).`, { cause: error });
  }
  if (!(error instanceof BodyCodingError)) return error;
  if (error.code === 'corrupt') return new FrontDoorError('bad_request', error.message, { cause: error });
  return new FrontDoorError('unsupported_media_type', error.message, { acceptEncoding: REQUEST_CODINGS });
}
