import { Buffer } from 'node:buffer';
import { FrontDoorError } from '@penstock/openai-front-door';
import { BodyProgress } from '../inbound/body-progress.ts';
import type { ByteLease } from '../inbound/byte-budget.ts';
import { ChunkList } from '../inbound/chunk-list.ts';
import type { InboundRequest } from '../inbound/inbound-request.ts';

function tooSlow(): FrontDoorError {
  return new FrontDoorError('request_timeout', 'The request body arrived too slowly.');
}

function clientGone(): FrontDoorError {
  return new FrontDoorError('client_gone', 'The client left before its request was complete.');
}

/** The request body as it arrives, at the reader's pace. Its clock runs only while the client is waited for. */
export async function* streamBody({ request, limits }: InboundRequest): AsyncGenerator<Buffer, void, void> {
  let failure: FrontDoorError | undefined;
  let wake: (() => void) | undefined;
  const onChange = (): void => wake?.();
  const clock = new BodyProgress(limits, () => {
    failure = tooSlow();
    onChange();
  });
  for (const event of ['readable', 'end', 'close'] as const) request.on(event, onChange);
  try {
    for (;;) {
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) {
        clock.add(chunk.length);
        clock.pause();
        yield chunk;
        clock.resume();
        continue;
      }
      if (request.readableEnded) return;
      if (request.destroyed) failure ??= clientGone();
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => { wake = resolve; });
      wake = undefined;
    }
  } finally {
    clock.pause();
    for (const event of ['readable', 'end', 'close'] as const) request.off(event, onChange);
    // Who was refused, or answered early, must be able to send the rest, or never reads the answer.
    if (!request.readableEnded) request.resume();
  }
}

/** Gathers a request body: 413 from its length at once, else when the bytes were counted; 429 when the budget is spent, 408 when it comes too slowly. */
export async function receiveBody(inbound: InboundRequest, lease: ByteLease, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): FrontDoorError => new FrontDoorError('too_large', `The request body is larger than ${maxBytes} bytes.`);
  if ((inbound.head.contentLength ?? 0) > maxBytes) throw tooLarge();
  const body = new ChunkList();
  for await (const chunk of streamBody(inbound)) {
    body.append(chunk);
    if (body.byteLength > maxBytes) throw tooLarge();
    if (!lease.cover(body.byteLength)) throw new FrontDoorError('overloaded', lease.describeSpent(), { retryAfterSeconds: 1 });
  }
  const length = body.byteLength;
  return Buffer.concat(body.take(), length);
}
