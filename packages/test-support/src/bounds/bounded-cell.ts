import { randomBytes } from 'node:crypto';
import { constants, brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { COSTLY_STREAMS, COSTLY_VALUES, cutTo, inChunksOf, joinBytes, lengthOf, repeatBytes, type CostlyText, type RepeatedBytes } from './costly-bodies.ts';

/** Who reads the bytes. `translated` and `relayed` are the front door's two ways. */
export type BoundedSide = 'native' | 'translated' | 'relayed' | 'operations';

/** One input, from one party, in one form on the wire. */
export interface BoundedCell {
  readonly name: string;
  readonly side: BoundedSide;
  readonly party: 'client' | 'upstream';
  /** All that the party sends: a request of the client, or the upstream's answer to a small one. */
  readonly wire: (bytes: number) => readonly RepeatedBytes[];
}

const text = (value: string): RepeatedBytes => ({ first: Buffer.from(value), block: Buffer.alloc(0), times: 0, last: Buffer.alloc(0) });
const whole = (body: Buffer): RepeatedBytes => ({ first: body, block: Buffer.alloc(0), times: 0, last: Buffer.alloc(0) });

/** How a body goes over the wire. */
type Form = (body: RepeatedBytes, bytes: number) => readonly [fields: string, body: RepeatedBytes];

const compressed = (coding: string, compress: (body: Buffer) => Buffer): Form => (body) => {
  const encoded = compress(joinBytes(body));
  return [`content-encoding: ${coding}\r\ncontent-length: ${encoded.length}\r\n`, whole(encoded)];
};

const counted: Form = (body) => [`content-length: ${lengthOf(body)}\r\n`, body];
const inBytes: Form = (body, bytes) => ['transfer-encoding: chunked\r\n', cutTo(bytes, inChunksOf(1, body))];
const gzip = compressed('gzip', (body) => gzipSync(body, { level: 1 }));
const br = compressed('br', (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }));
const zstd = compressed('zstd', (body) => zstdCompressSync(body));
/** A compressed body in chunks of one byte. */
const gzipInBytes: Form = (body, bytes) => {
  const [, encoded] = gzip(body, bytes);
  const chunked = inBytes(whole(encoded.first), bytes)[1];
  return ['content-encoding: gzip\r\ntransfer-encoding: chunked\r\n', chunked];
};

const CODED_FORMS: Readonly<Record<string, Form>> = { gzip, br, zstd, 'gzip in chunks of one byte': gzipInBytes };

/** Text that cannot be compressed well: the compressed bytes are most of the input. */
const NOISE: CostlyText = { first: '"', unit: randomBytes(48 * 1024).toString('base64'), last: '"' };

function within(before: string, { first, unit, last }: CostlyText, after: string, bytes: number): RepeatedBytes {
  return repeatBytes(before + first, unit, last + after, bytes);
}

const REQUESTS: Readonly<Record<'native' | 'translated' | 'relayed', readonly [path: string, before: string, after: string]>> = {
  native: ['/anthropic/v1/messages', '{"model":"claude-m","max_tokens":5,"messages":[{"role":"user","content":', '}]}'],
  translated: ['/v1/chat/completions', '{"model":"claude-m","max_tokens":5,"messages":[{"role":"user","content":', '}]}'],
  relayed: ['/v1/chat/completions', '{"model":"other-m","max_tokens":5,"messages":[{"role":"user","content":', '}]}'],
};

const head = (method: string, path: string, fields: string): RepeatedBytes => text(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: k\r\nconnection: close\r\n${fields}\r\n`);
const request = (path: string, type: string, form: Form, body: (bytes: number) => RepeatedBytes) => (bytes: number): readonly RepeatedBytes[] => {
  const [fields, sent] = form(body(bytes), bytes);
  return [head('POST', path, `content-type: ${type}\r\n${fields}`), sent];
};

function requestCells(side: 'native' | 'translated' | 'relayed'): BoundedCell[] {
  const [path, before, after] = REQUESTS[side];
  const json = (name: string, form: Form, body: (bytes: number) => RepeatedBytes): BoundedCell => ({ name: `request, ${name}`, side, party: 'client', wire: request(path, 'application/json', form, body) });
  const values = Object.entries(COSTLY_VALUES);
  const plain = COSTLY_VALUES['plain text'] as CostlyText;
  return [
    ...values.map(([name, value]) => json(name, counted, (bytes) => within(before, value, after, bytes))),
    json('no JSON at all', counted, (bytes) => repeatBytes('', 'what is this? ', '', bytes)),
    json('members beside the ones that are read', counted, (bytes) => repeatBytes('{"model":"claude-m"', ',"y":1', '}', bytes)),
    json('plain text in chunks of one byte', inBytes, (bytes) => within(before, plain, after, bytes / 6)),
    json('numbers without a comma in chunks of one byte', inBytes, (bytes) => within(before, COSTLY_VALUES['numbers without a comma'] as CostlyText, after, bytes / 6)),
    ...Object.entries(CODED_FORMS).map(([coding, form]) => json(`plain text in ${coding}`, form, (bytes) => within(before, plain, after, bytes - 1_000))),
    // One block over and over is still a bomb where the coding's window is larger than the block: br and zstd.
    ...Object.entries(CODED_FORMS).map(([coding, form]) => json(`noise in ${coding}`, form, (bytes) => within(before, NOISE, after, coding.endsWith('byte') ? bytes / 6 : bytes - 1_000))),
  ];
}

const MULTIPART = 'multipart/form-data; boundary=b';
const part = (name: string): string => `--b\r\ncontent-disposition: form-data; name="${name}"; filename="f"\r\ncontent-type: text/plain\r\n\r\n`;

function uploadCells(side: 'native' | 'relayed', path: string): BoundedCell[] {
  const upload = (name: string, form: Form, body: (bytes: number) => RepeatedBytes): BoundedCell => ({ name: `upload, ${name}`, side, party: 'client', wire: request(path, MULTIPART, form, body) });
  return [
    upload('one part', counted, (bytes) => repeatBytes(part('file'), 'x', '\r\n--b--\r\n', bytes)),
    upload('many parts', counted, (bytes) => repeatBytes('', `${part('file')}x\r\n`, '--b--\r\n', bytes)),
    upload('one part in chunks of one byte', inBytes, (bytes) => repeatBytes(part('file'), 'x', '\r\n--b--\r\n', bytes / 6)),
  ];
}

function headCells(side: BoundedSide, path: string): BoundedCell[] {
  const cell = (name: string, wire: (bytes: number) => readonly RepeatedBytes[]): BoundedCell => ({ name: `request, ${name}`, side, party: 'client', wire });
  const start = `POST ${path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: k\r\nconnection: close\r\ncontent-type: application/json\r\n`;
  return [
    cell('header lines', (bytes) => [repeatBytes(start, 'a: 1\r\n', '\r\n', bytes)]),
    cell('a header that never ends', (bytes) => [repeatBytes(`${start}a: `, 'x', '\r\n\r\n', bytes)]),
    cell('trailer lines', (bytes) => [repeatBytes(`${start}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n`, 'a: 1\r\n', '\r\n', bytes)]),
    cell('chunk extensions', (bytes) => [repeatBytes(`${start}transfer-encoding: chunked\r\n\r\n2;`, 'a=1;', '\r\n{}\r\n0\r\n\r\n', bytes)]),
    cell('empty lines', (bytes) => [repeatBytes('', '\r\n', `${start}\r\n`, bytes)]),
  ];
}

const answer = (type: string, form: Form, body: (bytes: number) => RepeatedBytes) => (bytes: number): readonly RepeatedBytes[] => {
  const [fields, sent] = form(body(bytes), bytes);
  return [text(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${fields}\r\n`), sent];
};

const ANSWERS: Readonly<Record<'native' | 'translated' | 'relayed', readonly [before: string, after: string]>> = {
  native: ['{"id":"msg_1","type":"message","role":"assistant","model":"claude-m","content":[{"type":"text","text":', '}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'],
  translated: ['{"id":"msg_1","type":"message","role":"assistant","model":"claude-m","content":[{"type":"text","text":', '}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'],
  relayed: ['{"id":"c","object":"chat.completion","model":"other-m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":', '}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'],
};

function answerCells(side: 'native' | 'translated' | 'relayed'): BoundedCell[] {
  const [before, after] = ANSWERS[side];
  const cell = (name: string, wire: (bytes: number) => readonly RepeatedBytes[]): BoundedCell => ({ name: `answer, ${name}`, side, party: 'upstream', wire });
  const json = (name: string, form: Form, body: (bytes: number) => RepeatedBytes): BoundedCell => cell(name, answer('application/json', form, body));
  const stream = (name: string, form: Form, body: (bytes: number) => RepeatedBytes): BoundedCell => cell(`a stream: ${name}`, answer('text/event-stream', form, body));
  const plain = COSTLY_VALUES['plain text'] as CostlyText;
  const streams = Object.entries(COSTLY_STREAMS);
  return [
    ...Object.entries(COSTLY_VALUES).map(([name, value]) => json(name, counted, (bytes) => within(before, value, after, bytes))),
    json('plain text in chunks of one byte', inBytes, (bytes) => within(before, plain, after, bytes / 6)),
    ...Object.entries(CODED_FORMS).map(([coding, form]) => json(`plain text in ${coding}`, form, (bytes) => within(before, plain, after, bytes))),
    ...streams.map(([name, events]) => stream(name, counted, (bytes) => within('', events, '', bytes))),
    ...streams.map(([name, events]) => stream(`${name}, in chunks of one byte`, inBytes, (bytes) => within('', events, '', bytes / 6))),
    ...Object.entries(CODED_FORMS).map(([coding, form]) => stream(`text of a message in ${coding}`, form, (bytes) => within('', COSTLY_STREAMS['text of a message'] as CostlyText, '', bytes))),
    cell('an error', (bytes) => {
      const body = repeatBytes('{"type":"error","error":{"type":"api_error","message":"', '\\"', '"}}', bytes);
      return [text(`HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: ${lengthOf(body)}\r\n\r\n`), body];
    }),
    json('a list of models', counted, (bytes) => repeatBytes('{"data":[{"id":"claude-m"}', ',{"id":"claude-m"}', '],"has_more":false}', bytes)),
    json('a list of models that holds numbers', counted, (bytes) => repeatBytes('{"data":[0', ',1', '],"has_more":false}', bytes)),
    cell('header lines', (bytes) => [repeatBytes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n', 'a: 1\r\n', 'content-length: 0\r\n\r\n', bytes)]),
    cell('trailer lines', (bytes) => [repeatBytes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n', 'a: 1\r\n', '\r\n', bytes)]),
    cell('informational responses', (bytes) => [repeatBytes('', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', bytes)]),
  ];
}

/** Every input of the suite. */
export const BOUNDED_CELLS: readonly BoundedCell[] = [
  ...requestCells('native'), ...requestCells('translated'), ...requestCells('relayed'),
  ...uploadCells('native', '/anthropic/v1/files'), ...uploadCells('relayed', '/v1/files'),
  ...headCells('native', '/anthropic/v1/messages'), ...headCells('translated', '/v1/chat/completions'), ...headCells('operations', '/metrics'),
  { name: 'request, plain text', side: 'operations', party: 'client', wire: request('/metrics', 'text/plain', counted, (bytes) => repeatBytes('', 'x', '', bytes)) },
  { name: 'request, in chunks of one byte', side: 'operations', party: 'client', wire: request('/metrics', 'text/plain', inBytes, (bytes) => repeatBytes('', 'x', '', bytes / 6)) },
  { name: 'pipelined scrapes', side: 'operations', party: 'client', wire: (bytes) => [repeatBytes('', 'GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n', 'GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', bytes)] },
  { name: 'request to no route, plain text', side: 'native', party: 'client', wire: request('/nowhere', 'text/plain', counted, (bytes) => repeatBytes('', 'x', '', bytes)) },
  { name: 'request to no route, in chunks of one byte', side: 'native', party: 'client', wire: request('/nowhere', 'text/plain', inBytes, (bytes) => repeatBytes('', 'x', '', bytes / 6)) },
  ...answerCells('native'), ...answerCells('translated'), ...answerCells('relayed'),
];
