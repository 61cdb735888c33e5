import { Buffer } from 'node:buffer';
import { encodeFrame } from '@penstock/sse-relay';
import { answerAlways, openRawConnection, startScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument } from '../start-test-gateway.ts';

/** A cloud behind the gateway: how it is configured, and which path leads to which. */
interface Place {
  readonly document: (origin: string) => ConfigDocument;
  /** What the gateway's paths begin with, and what takes its place at the cloud. */
  readonly mount: string;
  readonly base: string;
  readonly unary: string;
  readonly stream: string;
  readonly count: string;
  /** Fields that the documents name: the credential of the gateway and what belongs to it. */
  readonly credential: readonly string[];
  /** The name of the model as it stands in the bodies, and as it must arrive. */
  readonly mapped?: readonly [from: string, to: string];
  /** A query that is taken there. Absent: any is. */
  readonly query?: string;
}

const aws = { aws: { access_key_id: 'AKIDGATEWAY', secret_access_key: 'the-secret-of-the-gateway' } };
const SIGNATURE = ['authorization', 'x-amz-content-sha256', 'x-amz-date'];
const NATIVE = { mount: '/anthropic', unary: '/v1/messages', stream: '/v1/messages', count: '/v1/messages/count_tokens' };
const upstream = (members: object): ConfigDocument => ({ anthropic_native: { upstreams: [{ name: 'cloud', ...members }] } });
const BEDROCK_MODEL = '/model/us.anthropic.claude-x-20250101-v1%3A0';
const VERTEX_MODELS = '/v1/projects/p1/locations/global/publishers/anthropic/models';

const PLACES: Readonly<Record<string, Place>> = {
  anthropic: { ...NATIVE, base: '', credential: ['x-api-key'], document: (origin) => upstream({ kind: 'anthropic', base_url: origin, credential: { api_key: 'sk-ant-of-the-gateway' } }) },
  claude_platform_aws: {
    ...NATIVE, base: '', credential: [...SIGNATURE, 'anthropic-workspace-id'],
    document: (origin) => upstream({ kind: 'claude_platform_aws', base_url: origin, region: 'us-east-1', workspace_id: 'w', credential: aws }),
  },
  bedrock_mantle: { ...NATIVE, base: '/anthropic', credential: SIGNATURE, document: (origin) => upstream({ kind: 'bedrock_mantle', base_url: `${origin}/anthropic`, region: 'us-east-1', credential: aws }) },
  foundry: { ...NATIVE, base: '/anthropic', credential: ['x-api-key'], document: (origin) => upstream({ kind: 'foundry', resource: 'r', base_url: `${origin}/anthropic`, credential: { api_key: 'key' } }) },
  'foundry with a model map': {
    ...NATIVE, base: '/anthropic', credential: ['x-api-key'], mapped: ['"claude\\u002dx"', '"deployment-1"'],
    document: (origin) => upstream({ kind: 'foundry', resource: 'r', base_url: `${origin}/anthropic`, credential: { api_key: 'key' }, model_map: { 'claude-x': 'deployment-1' } }),
  },
  google: {
    ...NATIVE, base: '/prefix', credential: ['authorization', 'anthropic-workspace-id'],
    document: (origin) => upstream({ kind: 'google', base_url: `${origin}/prefix`, project_id: 'p1', location: 'global', workspace_id: 'w', credential: { bearer: 'token' } }),
  },
  bedrock: {
    mount: '/bedrock', base: '', query: '', credential: SIGNATURE, unary: `${BEDROCK_MODEL}/invoke`, stream: `${BEDROCK_MODEL}/invoke-with-response-stream`, count: `${BEDROCK_MODEL}/count-tokens`,
    document: (origin) => ({ bedrock: { base_url: origin, region: 'us-east-1', credential: aws } }),
  },
  vertex: {
    mount: '/vertex', base: '', query: '?alt=sse', credential: ['authorization'], unary: `${VERTEX_MODELS}/claude-x@20250101:rawPredict`, stream: `${VERTEX_MODELS}/claude-x@20250101:streamRawPredict`,
    count: `${VERTEX_MODELS}/count-tokens:rawPredict`,
    document: (origin) => ({ vertex: { base_url: origin, project_id: 'p1', location: 'global', credential: { bearer: 'token' } } }),
  },
};

const ODD = '{ "anthropic_version":"odd",\t"model" : "claude\\u002dx", "max_tokens":1.0e1 ,\r\n"messages":[{"role":"user","content":"\u00e9\u{1F600}\\ud83d \\/"}], "n":{"a":1,"a":2}, "new":[ ] }\n';
/** A body of several chunks. */
const LONG = ODD.replace('"new":[ ]', `"new":"${'line \\"quoted\\" \\n'.repeat(20_000)}"`);

/** Fields of a client that go on as they are. */
const KEPT = [
  'Anthropic-Version', '2023-06-01', 'anthropic-beta', 'a-1', 'ANTHROPIC-BETA', 'b-2,  c-3', 'Content-Type', 'application/json; charset=UTF-8', 'X-Stainless-Lang', 'js', 'x-app', 'cli',
  'x-claude-code-session-id', 's-1', 'User-Agent', 'odd/1 (caf\u00e9)', 'Accept', '*/*',
];
/** Fields that belong to the client's connection or its own credential. */
const DROPPED = ['Authorization', 'AWS4-HMAC-SHA256 Credential=x', 'X-Amz-Date', '20200101T000000Z', 'x-amz-security-token', 'of-the-client', 'X-Api-Key', 'of-the-client', 'Cookie', 'a=b', 'Connection', 'x-hop', 'x-hop', '1'];
/** What the gateway writes itself: the fields of its own connections, and what its documents name. */
const ADDED_TO_REQUESTS = ['host', 'connection', 'content-length', 'via'];
const ADDED_TO_RESPONSES = ['connection', 'date', 'keep-alive', 'transfer-encoding', 'x-penstock-request-id'];
const ADDED_TO_STREAMS = ['cache-control', 'x-accel-buffering'];

const ANSWERED = ['X-Odd', 'a', 'x-odd', 'b  c', 'Request-Id', 'req_1', 'x-amzn-RequestId', 'aws-1', 'x-latin1', '\u00e9', 'retry-after', '0'];
const BYTES = Buffer.from(Array.from({ length: 1_024 }, (_, index) => index % 256));
const TEXT_STREAM = Buffer.from(': odd\r\nevent: message_start\r\ndata: {"type":"message_start"}\r\n\r\nevent:x\rdata:1\r\rdata: \u00e9\n\nevent: message_stop\ndata: {"type": "message_stop"}  \n\n');
const FRAME_STREAM = Buffer.concat(['{"type":"message_start"}', '{"type":"message_stop"}'].map((event) => encodeFrame({ ':event-type': 'chunk', ':message-type': 'event' }, Buffer.from(JSON.stringify({ bytes: Buffer.from(event).toString('base64'), p: 'ab' })))));

interface Answer { readonly type: string; readonly body: Buffer }

/** The fields of a list whose names it has, in their order. */
function fieldsIn(rawHeaders: readonly string[], names: readonly string[]): string[] {
  const wanted = new Set(names.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  return rawHeaders.filter((_, index) => wanted.has((rawHeaders[index - index % 2] ?? '').toLowerCase()));
}

function namesBeside(rawHeaders: readonly string[], kept: readonly string[]): string[] {
  const known = new Set(kept.map((name) => name.toLowerCase()));
  return [...new Set(rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()))].filter((name) => !known.has(name)).toSorted();
}

const chunked = (body: Buffer, size: number): Buffer => Buffer.concat([
  ...Array.from({ length: Math.ceil(body.length / size) }, (_, index) => body.subarray(index * size, (index + 1) * size)).flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
  Buffer.from('0\r\n\r\n'),
]);

/** Sends one request through the gateway; returns what arrived on both ends. */
async function cross(place: Place, path: string, body: string, answer: Answer): Promise<{ readonly sent: WireMessage; readonly received: WireMessage }> {
  const head = ['HTTP/1.1 200 Odd Reason', `Content-Type: ${answer.type}`, ...ANSWERED.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${ANSWERED[index + 1] ?? ''}`] : [])), 'Transfer-Encoding: chunked', '', ''].join('\r\n');
  await using cloud = await startScriptedUpstream(answerAlways(() => Buffer.concat([Buffer.from(head, 'latin1'), chunked(answer.body, 7)])));
  const { anthropic_native: native = {}, ...document } = place.document(cloud.origin);
  await using gateway = await startTestGateway('http://127.0.0.1:1', { ...document, anthropic_native: native });
  const connection = await openRawConnection(gateway.port);
  const bytes = Buffer.from(body);
  const fields = [...KEPT, ...DROPPED].flatMap((name, index, all) => (index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ''}\r\n`] : [])).join('');
  connection.send(Buffer.concat([Buffer.from(`POST ${place.mount}${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`, 'latin1'), bytes]));
  const received = await connection.readMessage({ kind: 'response' }, 60_000);
  connection.close();
  const [sent] = cloud.requests;
  if (sent === undefined) throw new Error(`nothing arrived at the cloud; the answer is ${received.startLine} ${received.body.toString()}`);
  return { sent, received };
}

describe.each(Object.entries(PLACES))('a request to %s and its answer', (kind, place) => {
  test.each([
    ['a whole answer', place.unary, { type: 'application/json', body: BYTES }],
    ['a stream', place.stream, kind === 'bedrock' ? { type: 'application/vnd.amazon.eventstream', body: FRAME_STREAM } : { type: 'text/event-stream; charset=utf-8', body: TEXT_STREAM }],
    ['a count', place.count, { type: 'application/json', body: Buffer.from('{ "input_tokens" : 1.0e1 }\n') }],
  ] satisfies [string, string, Answer][])('cross byte for byte but for what the documents name: %s', async (_what, path, answer) => {
    for (const [query, body] of [['', ODD], [place.query ?? '?beta=true&x=%20y&&z=%C3%A9&x', LONG]] as const) {
      const { sent, received } = await cross(place, `${path}${query}`, body, answer);
      expect(sent.startLine).toBe(`POST ${place.base}${path}${query} HTTP/1.1`);
      expect(sent.body.equals(Buffer.from(body.replace(...place.mapped ?? ['', ''])))).toBe(true);
      expect(fieldsIn(sent.rawHeaders, KEPT)).toEqual(KEPT);
      expect(namesBeside(sent.rawHeaders, KEPT.filter((_, index) => index % 2 === 0))).toEqual([...ADDED_TO_REQUESTS, ...place.credential].toSorted());
      expect(sent.rawHeaders).not.toContain('of-the-client');
      expect(received.startLine).toBe('HTTP/1.1 200 Odd Reason');
      expect(received.body.equals(answer.body)).toBe(true);
      expect(fieldsIn(received.rawHeaders, ANSWERED)).toEqual(ANSWERED);
      expect(namesBeside(received.rawHeaders, ['content-type', ...ANSWERED.filter((_, index) => index % 2 === 0)])).toEqual([...ADDED_TO_RESPONSES, ...answer.type.includes('stream') ? ADDED_TO_STREAMS : []].toSorted());
    }
  });
});
