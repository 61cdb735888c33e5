import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, constants, createBrotliCompress, createDeflate, createGzip, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Transform } from 'node:stream';
import { BYTES_PER_TOKEN, pieceOf, type BillingPlan, type Coding } from './billing-plan.ts';

/** What an upstream bills for one request. */
export interface Bill {
  input: number;
  output: number;
}

/** An upstream that bills what it writes, piece by piece, until it is cancelled. */
export interface BillingUpstream {
  readonly origin: string;
  readonly bills: ReadonlyMap<number, Bill>;
  [Symbol.asyncDispose](): Promise<void>;
}

const WHOLE: Readonly<Record<Coding, (text: string) => Buffer>> = {
  identity: (text) => Buffer.from(text), gzip: (text) => gzipSync(text), deflate: (text) => deflateSync(text), br: (text) => brotliCompressSync(text),
  zstd: (text) => zstdCompressSync(text), unknown: (text) => Buffer.from(text),
};

const STREAMED: Readonly<Record<Coding, () => Transform | undefined>> = {
  identity: () => undefined, unknown: () => undefined,
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH }), deflate: () => createDeflate({ flush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH }), zstd: () => createZstdCompress({ flush: constants.ZSTD_e_flush }),
};

/** Starts the upstream; a request names its plan in its text. */
export async function startBillingUpstream(plans: ReadonlyMap<number, BillingPlan>): Promise<BillingUpstream> {
  const bills = new Map<number, Bill>();
  const server = createServer((request, response) => {
    let body = '';
    response.on('error', () => undefined);
    request.setEncoding('utf8').on('error', () => undefined).on('data', (text: string) => { body += text; }).on('end', () => {
      const plan = plans.get(Number(/plan (\d+) /.exec(body)?.[1] ?? -1));
      if (plan === undefined) response.writeHead(500).end();
      else void answer(plan, response, billFor(plan, request));
    });
  });
  const billFor = ({ id }: BillingPlan, _request: IncomingMessage): Bill => {
    const bill = { input: 0, output: 0 };
    bills.set(id, bill);
    return bill;
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bills,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(plan: BillingPlan, response: ServerResponse, bill: Bill): Promise<void> {
  const headers = { 'content-type': plan.isStream && plan.status === 200 ? 'text/event-stream' : 'application/json', ...(plan.coding === 'identity' ? {} : { 'content-encoding': plan.coding }) };
  if (plan.status !== 200) {
    response.writeHead(plan.status, { 'content-type': 'application/json' });
    response.end('{"type":"error","error":{"type":"api_error","message":"no"}}');
    return;
  }
  // The text of the prompt alone: whatever stands around it, the body holds no less.
  bill.input = Math.floor(plan.prompt.length / 4);
  const protocol = plan.way === 'relayed' ? OPENAI : ANTHROPIC;
  if (!plan.isStream) {
    bill.output = plan.pieces * plan.tokensPerPiece * plan.choices;
    const body = WHOLE[plan.coding](protocol.whole(plan, bill));
    response.writeHead(200, { ...headers, 'content-length': body.length });
    if (plan.cutAt <= plan.pieces) response.write(body.subarray(0, Math.floor(body.length * plan.cutAt / (plan.pieces + 1))), () => response.destroy());
    else response.end(body);
    return;
  }
  response.writeHead(200, headers);
  const coder = STREAMED[plan.coding]();
  coder?.on('error', () => undefined).on('data', (bytes: Buffer) => { response.write(bytes); }).on('end', () => { response.end(); });
  const write = async (text: string): Promise<void> => {
    if (coder === undefined) response.write(text);
    else await new Promise<void>((resolve) => { coder.write(text, () => resolve()); });
    await setImmediate();
  };
  await write(protocol.start(plan, bill));
  for (let piece = 0; piece < plan.pieces; piece += 1) {
    if (piece >= plan.cutAt) {
      response.destroy();
      return;
    }
    if (response.destroyed) return;
    bill.output += plan.tokensPerPiece * plan.choices;
    await write(protocol.piece(plan));
  }
  await write(protocol.end(plan, bill));
  if (coder === undefined) response.end();
  else coder.end();
}

interface Protocol {
  start(plan: BillingPlan, bill: Bill): string;
  piece(plan: BillingPlan): string;
  end(plan: BillingPlan, bill: Bill): string;
  whole(plan: BillingPlan, bill: Bill): string;
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
const frame = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const textOf = (plan: BillingPlan): string => pieceOf(plan).repeat(plan.pieces);

const ANTHROPIC: Protocol = {
  start: ({ model }, { input }) => event('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], usage: { input_tokens: input, output_tokens: 1 } } })
    + event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  piece: (plan) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: pieceOf(plan) } }),
  end: (_plan, { output }) => event('content_block_stop', { index: 0 }) + event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: output } }) + event('message_stop', {}),
  whole: (plan, { input, output }) => JSON.stringify({
    id: 'msg_1', type: 'message', role: 'assistant', model: plan.model, content: [{ type: 'text', text: textOf(plan) }], stop_reason: 'end_turn', usage: { input_tokens: input, output_tokens: output },
  }),
};

const chunk = (plan: BillingPlan, choices: readonly object[], more: object = {}): string => frame({ id: 'c', object: 'chat.completion.chunk', created: 1, model: plan.model, choices, ...more });
const everyChoice = <Made>(plan: BillingPlan, make: (index: number) => Made): Made[] => Array.from({ length: plan.choices }, (_, index) => make(index));
const usageOf = (plan: BillingPlan, { input, output }: Bill): object => (plan.reportsUsage ? { usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output } } : {});

const OPENAI: Protocol = {
  start: (plan) => chunk(plan, everyChoice(plan, (index) => ({ index, delta: { role: 'assistant', content: '' }, finish_reason: null }))),
  piece: (plan) => everyChoice(plan, (index) => chunk(plan, [{ index, delta: { content: pieceOf(plan) }, finish_reason: null }])).join(''),
  end: (plan, bill) => chunk(plan, everyChoice(plan, (index) => ({ index, delta: {}, finish_reason: 'stop' }))) + (plan.reportsUsage ? chunk(plan, [], usageOf(plan, bill)) : '') + 'data: [DONE]\n\n',
  whole: (plan, bill) => JSON.stringify({
    id: 'c', object: 'chat.completion', created: 1, model: plan.model, choices: everyChoice(plan, (index) => ({ index, message: { role: 'assistant', content: textOf(plan) }, finish_reason: 'stop' })), ...usageOf(plan, bill),
  }),
};

/** Tokens of text that has been seen. */
export function tokensIn({ model }: BillingPlan, textBytes: number): number {
  return Math.floor(textBytes / BYTES_PER_TOKEN[model]);
}
