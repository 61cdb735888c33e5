import { Buffer } from 'node:buffer';
import type { Context } from 'koa';
import { FrontDoorError } from '../errors/front-door-error.ts';

function tooLarge(maxBytes: number): FrontDoorError {
  return new FrontDoorError('too_large', `The request body is larger than ${maxBytes} bytes.`);
}

/** Reads the whole request body: 413 from `content-length` at once, else when the bytes were counted. */
export async function readRequestBody(ctx: Context, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(ctx.req.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // Not destroyed on return: the 413 must still reach the client.
    for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      length += bytes.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof FrontDoorError) throw error;
    throw new FrontDoorError('client_gone', 'The client left before its request was complete.', { cause: error });
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
}

/** Reads the request body as it arrives. Not destroyed when the reading ends early: what refused it must still reach the client. */
export function streamRequestBody(ctx: Context): AsyncIterable<Uint8Array> {
  return ctx.req.iterator({ destroyOnReturn: false });
}

/** Refuses a request body that is not plain JSON. */
export function requireJsonContent(ctx: Context): void {
  const coding = ctx.req.headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new FrontDoorError('unsupported_media_type', 'The request body must not be compressed.');
  }
  if (!isJsonContent(ctx)) throw new FrontDoorError('unsupported_media_type', 'The request body must be application/json.');
}

/** Whether the request says that its body is JSON. */
export function isJsonContent(ctx: Context): boolean {
  const mediaType = (ctx.req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return mediaType === 'application/json' || mediaType.endsWith('+json');
}
