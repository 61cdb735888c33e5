import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** One request as the scripted upstream received it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  /** The parsed body, `undefined` when there was none. */
  readonly body: unknown;
  /** Resolves when the gateway dropped the connection before the answer was whole. */
  readonly dropped: Promise<void>;
}

/** A stand-in for the Messages API whose answers the test writes. */
export interface MessagesUpstream {
  readonly origin: string;
  readonly requests: ReceivedRequest[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Answers one request. */
export type Answer = (request: ReceivedRequest, response: ServerResponse) => Promise<void> | void;

/** Starts an upstream that answers every request with `answer`. */
export async function startMessagesUpstream(answer: Answer): Promise<MessagesUpstream> {
  const requests: ReceivedRequest[] = [];
  const serve = async (inbound: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of inbound) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const dropped = new Promise<void>((resolve) => { response.once('close', () => { if (!response.writableFinished) resolve(); }); });
    const isJson = bytes.length > 0 && inbound.headers['content-type']?.includes('json') === true;
    const body: unknown = isJson ? JSON.parse(bytes.toString()) : undefined;
    const received = { method: inbound.method ?? '', url: inbound.url ?? '', headers: inbound.headers, bytes, body, dropped };
    requests.push(received);
    await answer(received, response);
  };
  // A request that broke off is the test's own doing.
  const server = createServer((inbound, response) => { serve(inbound, response).catch(() => { response.destroy(); }); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close, [Symbol.asyncDispose]: close };
}

/** One event as the API writes it. */
export function sseEvent(data: { readonly type: string; readonly [name: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The events of a message from its blocks. */
export function messageEvents(blocks: readonly ScriptedBlock[], end: MessageEnd = {}): string {
  const { stopReason = 'end_turn', usage = { input_tokens: 10, output_tokens: 5 }, stopDetails = null } = end;
  const start = { id: 'msg_01Test', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5-20250929', content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } };
  return sseEvent({ type: 'message_start', message: start })
    + blocks.map(blockEvents).join('')
    + sseEvent({ type: 'message_delta', delta: { stop_reason: stopReason, stop_sequence: null, stop_details: stopDetails }, usage })
    + sseEvent({ type: 'message_stop' });
}

/** How a scripted message ends. */
export interface MessageEnd {
  readonly stopReason?: string;
  readonly usage?: Readonly<Record<string, unknown>>;
  readonly stopDetails?: unknown;
}

/** A content block: its start and the deltas after it. */
export interface ScriptedBlock {
  readonly start: Readonly<Record<string, unknown>>;
  readonly deltas: readonly Readonly<Record<string, unknown>>[];
}

function blockEvents(block: ScriptedBlock, index: number): string {
  return sseEvent({ type: 'content_block_start', index, content_block: block.start })
    + (index === 0 ? sseEvent({ type: 'ping' }) : '')
    + block.deltas.map((delta) => sseEvent({ type: 'content_block_delta', index, delta })).join('')
    + sseEvent({ type: 'content_block_stop', index });
}

/** A text block in the given pieces. */
export function text(...pieces: readonly string[]): ScriptedBlock {
  return { start: { type: 'text', text: '' }, deltas: pieces.map((piece) => ({ type: 'text_delta', text: piece })) };
}

/** A tool call whose arguments come in the given pieces. */
export function toolUse(id: string, name: string, ...pieces: readonly string[]): ScriptedBlock {
  return { start: { type: 'tool_use', id, name, input: {} }, deltas: ['', ...pieces].map((piece) => ({ type: 'input_json_delta', partial_json: piece })) };
}

/** Signed thinking. */
export function thinking(words: string, signature: string): ScriptedBlock {
  return { start: { type: 'thinking', thinking: '', signature: '' }, deltas: [{ type: 'thinking_delta', thinking: words }, { type: 'signature_delta', signature }] };
}

/** A whole message as JSON. */
export function messageJson(content: readonly unknown[], end: MessageEnd = {}): Record<string, unknown> {
  const { stopReason = 'end_turn', usage = { input_tokens: 10, output_tokens: 5 }, stopDetails } = end;
  return {
    id: 'msg_01Test', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5-20250929', content, stop_reason: stopReason, stop_sequence: null, usage,
    ...(stopDetails === undefined ? {} : { stop_details: stopDetails }),
  };
}

/** Answers with an event stream, whole. */
export function answerEvents(events: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_01Test', ...headers });
    response.end(events);
  };
}

/** Answers with JSON. */
export function answerJson(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_01Test', ...headers });
    response.end(JSON.stringify(value));
  };
}
