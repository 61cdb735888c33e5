import { Agent, request, type IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import { boundOf, pieceOf, type BillingPlan, type Coding } from './billing-plan.ts';

/** What a client saw of its answer. */
export interface Received {
  /** 0 where it left, or the connection broke, before a head. */
  readonly status: number;
  /** Bytes of the model's text that arrived. */
  readonly textBytes: number;
  readonly isWhole: boolean;
}

const TILDE = 0x7e;

const DECODERS: Readonly<Record<Coding, () => Transform | undefined>> = {
  identity: () => undefined, unknown: () => undefined, gzip: () => createGunzip(), deflate: () => createInflate(), br: () => createBrotliDecompress(), zstd: () => createZstdDecompress(),
};

function countText(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === TILDE) count += 1;
  return count;
}

function describeRequest(plan: BillingPlan): { readonly path: string; readonly body: string } {
  const messages = [{ role: 'user', content: `plan ${plan.id} ${plan.prompt}` }];
  const bound = plan.way === 'relayed' && plan.id % 2 === 0 ? { max_completion_tokens: boundOf(plan), max_tokens: 1 } : { max_tokens: boundOf(plan) };
  const common = { messages, stream: plan.isStream, ...bound };
  if (plan.way === 'native') {
    if (plan.isBatch) return { path: '/anthropic/v1/messages/batches', body: JSON.stringify({ requests: [{ custom_id: 'a', params: { model: plan.model, ...common } }] }) };
    return { path: '/anthropic/v1/messages', body: JSON.stringify({ model: plan.model, ...common }) };
  }
  if (plan.isBatch && plan.way === 'relayed') return { path: '/v1/batches', body: JSON.stringify({ input_file_id: 'f', endpoint: '/v1/chat/completions', completion_window: '24h' }) };
  const model = plan.way === 'translated' ? plan.model : `relayed-${plan.model}`;
  return { path: '/v1/chat/completions', body: JSON.stringify({ model, ...common, ...(plan.choices === 1 ? {} : { n: plan.choices }) }) };
}

/** Sends one request as its plan has it, and leaves when the plan says so. */
export function runPlan(port: number, key: string, plan: BillingPlan, agent: Agent): Promise<Received> {
  const { path, body } = describeRequest(plan);
  const { promise, resolve } = Promise.withResolvers<Received>();
  const seen = { status: 0, textBytes: 0, isWhole: false };
  const finish = (): void => { resolve({ ...seen }); };
  const leaveAfter = plan.leaveAt * pieceOf(plan).length;
  const outbound = request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers: { 'content-type': 'application/json', 'x-api-key': key, 'content-length': Buffer.byteLength(body) } });
  const leave = (): void => {
    outbound.destroy();
    finish();
  };
  const take = (bytes: Uint8Array): void => {
    seen.textBytes += countText(bytes);
    if (seen.textBytes >= leaveAfter) leave();
  };
  outbound.on('error', finish);
  outbound.on('response', (response: IncomingMessage) => {
    seen.status = response.statusCode ?? 0;
    const decoder = seen.status === 200 ? DECODERS[plan.coding]() : undefined;
    decoder?.on('error', () => undefined).on('data', take);
    response.on('data', (bytes: Buffer) => { if (decoder === undefined) take(bytes); else decoder.write(bytes); });
    response.on('error', () => undefined);
    response.on('close', () => {
      seen.isWhole = response.complete;
      if (decoder === undefined || !response.complete) finish();
      else decoder.on('end', finish).end();
    });
    if (plan.leaveAt === 0) leave();
  });
  // Half of those that leave at once do so before the head.
  if (plan.leaveAt === 0 && plan.id % 2 === 0) outbound.end(body, () => setImmediate(leave));
  else outbound.end(body);
  return promise;
}
