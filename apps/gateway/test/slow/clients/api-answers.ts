import { setTimeout } from 'node:timers/promises';
import type { ApiAnswer } from './scripted-api.ts';

/** One event of a message stream. */
export interface StreamEvent {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** A content block as a whole message has it. */
export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

/** How a message ends. */
export interface MessageEnd {
  readonly stopReason?: string;
  readonly stopDetails?: unknown;
}

const ID = 'msg_scripted';
const USAGE = { input_tokens: 10, output_tokens: 5 };

export const text = (value: string): Block => ({ type: 'text', text: value });
export const toolUse = (id: string, name: string, input: Readonly<Record<string, unknown>>): Block => ({ type: 'tool_use', id, name, input });

/** The events of a message, in the order of the API. */
export function messageEvents(blocks: readonly Block[], { stopReason = 'end_turn', stopDetails }: MessageEnd = {}, model: string = 'claude-scripted'): StreamEvent[] {
  const head = { id: ID, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage: { ...USAGE, output_tokens: 1 } };
  const delta = { stop_reason: stopReason, stop_sequence: null, ...(stopDetails === undefined ? {} : { stop_details: stopDetails }) };
  return [
    { type: 'message_start', message: head }, { type: 'ping' }, ...blocks.flatMap(blockEvents),
    { type: 'message_delta', delta, usage: { output_tokens: USAGE.output_tokens } }, { type: 'message_stop' },
  ];
}

function blockEvents(block: Block, index: number): StreamEvent[] {
  const [opened, ...deltas]: readonly (object)[] = openAndDeltas(block);
  return [
    { type: 'content_block_start', index, content_block: opened },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function openAndDeltas(block: Block): readonly object[] {
  if (block.type === 'text') return [{ type: 'text', text: '' }, ...halves(block.text).map((piece) => ({ type: 'text_delta', text: piece }))];
  if (block.type === 'thinking') return [{ type: 'thinking', thinking: '', signature: '' }, { type: 'thinking_delta', thinking: block.thinking }, { type: 'signature_delta', signature: block.signature }];
  return [{ type: 'tool_use', id: block.id, name: block.name, input: {} }, ...halves(JSON.stringify(block.input)).map((piece) => ({ type: 'input_json_delta', partial_json: piece }))];
}

const halves = (value: string): string[] => [value.slice(0, value.length >> 1), value.slice(value.length >> 1)];

/** Events as they stand in a stream. */
export const eventText = (events: readonly StreamEvent[]): string => events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

const chunk = (bytes: string | Uint8Array): Buffer => {
  const body = Buffer.from(bytes as Uint8Array);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
};
const LAST_CHUNK = '0\r\n\r\n';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_scripted\r\ntransfer-encoding: chunked\r\n';

/** A message, in the form that was asked for: as events where the request has `"stream":true`, else as one JSON text. */
export const message = (blocks: readonly Block[], end: MessageEnd = {}): ApiAnswer => (connection, request) => {
  const { stream, model } = JSON.parse(request.body.toString()) as { stream?: boolean; model: string };
  if (stream === true) return streamOf(messageEvents(blocks, end, model))(connection, request);
  const body = { id: ID, type: 'message', role: 'assistant', model, content: blocks, stop_reason: end.stopReason ?? 'end_turn', stop_sequence: null, usage: USAGE };
  return json(200, body)(connection, request);
};

/** A whole stream that ends well, whatever its events are; `encode` compresses it. */
export const streamOf = (events: readonly StreamEvent[], encode?: readonly [coding: string, (bytes: string) => Uint8Array]): ApiAnswer => (connection) => {
  const [coding, compress] = encode ?? [];
  const body = eventText(events);
  connection.send(`${STREAM_HEAD}${coding === undefined ? '' : `content-encoding: ${coding}\r\n`}\r\n`);
  connection.send(chunk(compress === undefined ? body : compress(body)));
  connection.send(LAST_CHUNK);
};

export const json = (status: number, body: unknown, fields: Readonly<Record<string, string>> = {}): ApiAnswer => (connection) => {
  const bytes = Buffer.from(JSON.stringify(body));
  const extra = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  connection.send(`HTTP/1.1 ${status} Scripted\r\ncontent-type: application/json\r\nrequest-id: req_scripted\r\n${extra}content-length: ${bytes.length}\r\n\r\n`);
  connection.send(bytes);
};

/** An error of the API. */
export const apiError = (status: number, type: string, words: string, fields: Readonly<Record<string, string>> = {}): ApiAnswer =>
  json(status, { type: 'error', error: { type, message: words }, request_id: 'req_scripted' }, fields);

/** Within this time a client has read what was sent before the connection ends. */
const READ_MS = 1_000;

/**
 * A stream that ends with its connection behind these events and the `rest` of one. The end comes when the client has read them: where both arrive at
 * once, it is the client's own race whether it takes the events or the break first, and its decision with `message_delta` in hand depends on that.
 */
export const cutStream = (events: readonly StreamEvent[], rest: string = '', readMs: number = READ_MS): ApiAnswer => async (connection) => {
  connection.send(`${STREAM_HEAD}\r\n`);
  connection.send(chunk(eventText(events) + rest));
  await setTimeout(readMs);
  connection.socket.end();
  await connection.closed();
};

/** The connection is reset before a byte of an answer. */
export const resetBeforeHead: ApiAnswer = async (connection) => {
  connection.reset();
  await connection.closed();
};

/** A stream that stops behind `events` and is held until the other side closes the connection. */
export const heldStream = (events: readonly StreamEvent[]): ApiAnswer => async (connection) => {
  connection.send(`${STREAM_HEAD}\r\n`);
  connection.send(chunk(eventText(events)));
  await connection.closed();
};

/** No answer at all, until the other side closes the connection. */
export const held: ApiAnswer = async (connection) => { await connection.closed(); };
