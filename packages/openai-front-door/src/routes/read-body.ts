import type { Context } from 'koa';
import { ChunkList } from '../chunk-list.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import type { ReceivedBody } from '../options.ts';

function tooLarge(maxBytes: number): FrontDoorError {
  return new FrontDoorError('too_large', `The request body is larger than ${maxBytes} bytes.`);
}

function requirePlainBytes(ctx: Context): void {
  const coding = ctx.req.headers['content-encoding'];
  if (coding === undefined || coding.trim().toLowerCase() === 'identity') return;
  throw new FrontDoorError('unsupported_media_type', 'The request body must not be compressed.', { acceptEncoding: 'identity' });
}

/** Reads the whole request body: 415 for one that is compressed, 413 from `content-length` at once, else when the bytes were counted. */
export async function readRequestBody(ctx: Context, maxBytes: number): Promise<ReceivedBody> {
  requirePlainBytes(ctx);
  const announced = Number(ctx.req.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const body = new ChunkList();
  try {
    // Not destroyed on return: the 413 must still reach the client.
    for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
      body.append(chunk as Uint8Array);
      if (body.byteLength > maxBytes) throw tooLarge(maxBytes);
    }
  } catch (error) {
    if (error instanceof FrontDoorError) throw error;
    throw new FrontDoorError('client_gone', 'The client left before its request was complete.', { cause: error });
  }
  const bytes = body.join();
  return { bytes, json: bytes };
}

/** Reads the request body as it arrives. Not destroyed when the reading ends early: what refused it must still reach the client. */
export function streamRequestBody(ctx: Context): AsyncIterable<Uint8Array> {
  return ctx.req.iterator({ destroyOnReturn: false });
}

/** Refuses a request whose body is not JSON. */
export function requireJsonContent(ctx: Context): void {
  if (!isJsonContent(ctx)) throw new FrontDoorError('unsupported_media_type', 'The request body must be application/json.');
}

/** Whether the request says that its body is JSON. */
export function isJsonContent(ctx: Context): boolean {
  const mediaType = (ctx.req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return mediaType === 'application/json' || mediaType.endsWith('+json');
}
