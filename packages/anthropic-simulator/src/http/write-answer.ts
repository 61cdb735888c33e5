import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { BodyBreak, Faults } from '../faults.ts';
import type { Answer, BodyPart, HeaderField } from './answer.ts';
import { cutParts, gzipParts } from './encode-body.ts';
import { createFixedPacer, createPacer } from './pacer.ts';

/** What the writer needs to know beyond the answer. */
export interface WriteContext {
  /** All header fields except framing and coding. */
  readonly headers: readonly HeaderField[];
  readonly faults: Faults;
  readonly clock: Clock;
  readonly isHead: boolean;
  readonly acceptsGzip: boolean;
  readonly signal: AbortSignal;
}

type Parts = Iterable<BodyPart> | AsyncIterable<BodyPart>;

/** Writes an answer with its framing, compression, pace and faults; resolves when it is written or the client is gone. */
export async function writeAnswer(response: ServerResponse, answer: Answer, context: WriteContext): Promise<void> {
  const { faults, clock, signal } = context;
  const headDelay = answer.headDelayMs + (faults.delayHeadMs ?? 0);
  if (headDelay > 0) await clock.wait(headDelay, signal);
  if (signal.aborted || breakBeforeHead(response, faults)) return;
  const isGzip = answer.isCompressible && !isBodiless(answer, context) && (faults.coding ?? (context.acceptsGzip ? 'gzip' : 'identity')) === 'gzip';
  const coded: Parts = isGzip ? gzipParts(answer.body) : answer.body;
  const parts = faults.chunkBytes === undefined ? coded : cutParts(coded, faults.chunkBytes);
  if (faults.framing === 'length') return writeWhole(response, answer, context, isGzip, await gather(parts));
  writeHead(response, answer, context, isGzip, undefined);
  if (isBodiless(answer, context)) return endAnswer(response, faults);
  await writeParts(response, parts, context);
}

function isBodiless(answer: Answer, context: WriteContext): boolean {
  return context.isHead || answer.status === 204 || answer.status === 304;
}

async function gather(parts: Parts): Promise<BodyPart[]> {
  const gathered: BodyPart[] = [];
  for await (const part of parts) gathered.push(part);
  return gathered;
}

async function writeWhole(response: ServerResponse, answer: Answer, context: WriteContext, isGzip: boolean, parts: readonly BodyPart[]): Promise<void> {
  writeHead(response, answer, context, isGzip, parts.reduce((sum, part) => sum + part.bytes.length, 0));
  if (isBodiless(answer, context)) return endAnswer(response, context.faults);
  await writeParts(response, parts, context);
}

function writeHead(response: ServerResponse, answer: Answer, context: WriteContext, isGzip: boolean, length: number | undefined): void {
  const { faults } = context;
  if (faults.hasEarlyHints === true) response.writeEarlyHints({ link: '</v1/messages>; rel=preconnect' });
  response.sendDate = false;
  const isKept = response.shouldKeepAlive && faults.isKeepAliveRefused !== true && faults.framing !== 'close';
  const fields: HeaderField[] = [...context.headers, ['Connection', isKept ? 'keep-alive' : 'close']];
  if (answer.isCompressible) fields.push(['vary', 'Accept-Encoding']);
  if (isGzip && faults.isMislabelled !== true) fields.push(['Content-Encoding', 'gzip']);
  if (length !== undefined) fields.push(['Content-Length', String(length)]);
  if (faults.hasLatin1Header === true) fields.push(['x-latin1', 'caf\u00e9 \u00a9']);
  if (faults.hasTrailer === true) fields.push(['Trailer', 'x-simulator-trailer']);
  for (const [name, value] of fields) response.appendHeader(name, value);
  if (faults.framing === 'close') response.removeHeader('transfer-encoding');
  response.writeHead(answer.status);
}

async function writeParts(response: ServerResponse, parts: Parts, context: WriteContext): Promise<void> {
  const { faults, clock, signal } = context;
  const stop = faults.bodyBreak;
  let sent = 0;
  const pacer = faults.paceMs === undefined ? createPacer(clock, signal) : createFixedPacer(faults.paceMs, clock, signal);
  for await (const part of parts) {
    await pacer.before(part.delayMs);
    if (signal.aborted) return;
    if (stop !== undefined && stop.at !== 'end' && sent + part.bytes.length >= stop.at) {
      await write(response, part.bytes.subarray(0, stop.at - sent), signal);
      return breakBody(response, stop, context);
    }
    sent += part.bytes.length;
    await write(response, part.bytes, signal);
    if (signal.aborted) return;
  }
  if (stop?.at === 'end') return breakBody(response, stop, context);
  if (faults.hasTrailer === true) response.addTrailers([['x-simulator-trailer', 'present']]);
  endAnswer(response, faults);
}

/** Ends a whole answer, and does to the idle connection what upstreams do at the worst moment. */
function endAnswer(response: ServerResponse, faults: Faults): void {
  const { socket } = response;
  response.end(() => {
    if (faults.isAnsweredTwice === true) socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nunasked\r\n');
    if (faults.isClosedAfter === true) socket?.end();
  });
}

/** Writes and waits until the bytes are with the kernel: a break must come after them, and memory stays flat. */
function write(response: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  if (bytes.length === 0) response.flushHeaders();
  return new Promise((resolve) => {
    const settle = (): void => { signal.removeEventListener('abort', settle); resolve(); };
    signal.addEventListener('abort', settle);
    response.write(bytes, settle);
  });
}

async function breakBody(response: ServerResponse, stop: BodyBreak, { faults, signal }: WriteContext): Promise<void> {
  const { socket } = response;
  switch (stop.how) {
    case 'end':
      // A body of announced length has no clean end before it is whole.
      if (faults.framing === 'length') socket?.end(); else response.end();
      return;
    case 'cut': socket?.end(); return;
    case 'reset': socket?.resetAndDestroy(); return;
    case 'bad-chunk': socket?.end('zz\r\nthis is no chunk\r\n'); return;
    case 'stall': if (!signal.aborted) await new Promise((resolve) => { signal.addEventListener('abort', resolve, { once: true }); });
  }
}

function breakBeforeHead(response: ServerResponse, faults: Faults): boolean {
  const { socket } = response;
  if (faults.isResetBeforeHead === true) socket?.resetAndDestroy();
  else if (faults.isClosedBeforeHead === true) socket?.end();
  else if (faults.isGarbage === true) socket?.end('\u0016\u0003\u0001 this is not HTTP\r\n\r\n', 'latin1');
  else return false;
  return true;
}
