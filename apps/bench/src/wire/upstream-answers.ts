import { BENCH_MODEL } from './request-bodies.ts';
import { STAMP_BYTES } from './stamp.ts';
import { DATE_PLACEHOLDER, VaryingAnswer } from './varying-answer.ts';

// Runs of `#`, `%` and `*` differ in each answer.
const FIELDS = [
  `date: ${DATE_PLACEHOLDER}`, 'anthropic-ratelimit-requests-limit: 4000', 'anthropic-ratelimit-requests-remaining: 3###',
  'anthropic-ratelimit-requests-reset: 2026-11-22T12:##:##Z', 'anthropic-ratelimit-input-tokens-limit: 2000000',
  'anthropic-ratelimit-input-tokens-remaining: 1######', 'anthropic-ratelimit-input-tokens-reset: 2026-11-22T12:##:##Z',
  'anthropic-ratelimit-output-tokens-limit: 400000', 'anthropic-ratelimit-output-tokens-remaining: 3#####',
  'anthropic-ratelimit-output-tokens-reset: 2026-11-22T12:##:##Z', 'request-id: req_011C********************',
  'strict-transport-security: max-age=31536000; includeSubDomains; preload', 'anthropic-organization-id: 00000000-0000-0000-0000-000000000000',
  'server: cloudflare', 'x-envoy-upstream-service-time: 8##', 'cf-cache-status: DYNAMIC', 'x-robots-tag: none', 'cf-ray: 9%%%%%%%%%%%%%%%-FRA',
].join('\r\n');

const USAGE = { input_tokens: 311, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 210 };
const MESSAGE_FIELDS = { model: BENCH_MODEL, id: 'msg_01BenchBenchBenchBenchBench', type: 'message', role: 'assistant' };

function answerOf(body: Buffer): VaryingAnswer {
  return new VaryingAnswer(`HTTP/1.1 200 OK\r\n${FIELDS}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`, body);
}

/** A whole response with a counted body. */
export function wholeAnswer(body: Buffer): Buffer {
  return answerOf(body).next();
}

/** A message of 1 KB. */
export const MESSAGE_BODY: Buffer = Buffer.from(JSON.stringify({
  ...MESSAGE_FIELDS, content: [{ type: 'text', text: 'I am well, thank you for asking. '.repeat(22) }], stop_reason: 'end_turn', stop_sequence: null, usage: USAGE,
}));

/** The message with the head of a whole response. */
export const MESSAGE: VaryingAnswer = answerOf(MESSAGE_BODY);

/** The head of an event stream, chunked. */
export const STREAM_HEAD: VaryingAnswer = new VaryingAnswer(
  `HTTP/1.1 200 OK\r\n${FIELDS}\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n`, Buffer.alloc(0),
);

function chunk(events: readonly (readonly [name: string, data: Readonly<Record<string, unknown>>])[]): Buffer {
  const text = Buffer.from(events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`).join(''));
  return Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`), text, Buffer.from('\r\n')]);
}

/** What a stream begins with. */
export const STREAM_START: Buffer = chunk([
  ['message_start', { message: { ...MESSAGE_FIELDS, content: [], stop_reason: null, stop_sequence: null, usage: { ...USAGE, output_tokens: 1 } } }],
  ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
  ['ping', {}],
]);

/** One event of a stream, chunk framing included, and where its stamp goes. */
export const STREAM_EVENT: Buffer = chunk([['content_block_delta', { index: 0, delta: { type: 'text_delta', text: ' '.repeat(STAMP_BYTES) } }]]);
export const STAMP_OFFSET: number = STREAM_EVENT.indexOf(' '.repeat(STAMP_BYTES));

/** What a stream ends with, the last chunk included. */
export const STREAM_END: Buffer = Buffer.concat([
  chunk([['content_block_stop', { index: 0 }], ['message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: USAGE }], ['message_stop', {}]]),
  Buffer.from('0\r\n\r\n'),
]);

/** A stream that is written at once; its stamps are equal, so that the bytes of its body are known beforehand. */
export function wholeStream(events: number): Buffer {
  const event = Buffer.from(STREAM_EVENT);
  event.fill('0', STAMP_OFFSET, STAMP_OFFSET + STAMP_BYTES);
  return Buffer.concat([STREAM_HEAD.next(), STREAM_START, ...Array.from({ length: events }, () => event), STREAM_END]);
}
