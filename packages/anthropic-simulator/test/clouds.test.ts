import { Buffer } from 'node:buffer';
import { EventStreamCodec, type Message } from '@smithy/core/event-streams';
import { fieldValues, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../src/index.ts';
import { ask, askModel, jsonOf, payloadsOf, QUESTION, record } from './fixture.ts';

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator(); });
afterAll(() => simulator.close());

const BEDROCK = { anthropic_version: 'bedrock-2023-05-31', ...QUESTION };
const VERTEX = { anthropic_version: 'vertex-2023-10-16', ...QUESTION };
const VERTEX_MODELS = '/v1/projects/p/locations/global/publishers/anthropic/models';
const codec = new EventStreamCodec((bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'), (text) => Buffer.from(text, 'utf8'));

/** The frames of a body, read by AWS's own codec. */
function messagesOf(body: Buffer): Message[] {
  const messages: Message[] = [];
  for (let offset = 0; offset < body.length; offset += body.readUInt32BE(offset)) messages.push(codec.decode(body.subarray(offset, offset + body.readUInt32BE(offset))));
  return messages;
}

const payloadOf = ({ body }: Message): Readonly<Record<string, unknown>> => record(JSON.parse(Buffer.from(body).toString('utf8')));
const eventOf = (message: Message): Readonly<Record<string, unknown>> => record(JSON.parse(Buffer.from(String(payloadOf(message)['bytes']), 'base64').toString('utf8')));
const textOf = (event: Readonly<Record<string, unknown>>): string => {
  const { text } = record(event['delta'] ?? {});
  return typeof text === 'string' ? text : '';
};
const namesOf = ({ rawHeaders }: WireMessage): string[] => rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());

describe('the simulator as Amazon Bedrock', () => {
  it('answers InvokeModel with the message of the API, under the header fields of the cloud', async () => {
    const answer = await ask(simulator, '/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke', BEDROCK);
    const native = jsonOf(await askModel(simulator, 'claude-haiku-4-5-20251001'));
    expect(jsonOf(answer)).toMatchObject({ content: native['content'], model: 'claude-haiku-4-5-20251001', stop_reason: 'end_turn' });
    expect(namesOf(answer)).toEqual(['date', 'x-amzn-requestid', 'content-type', 'connection', 'transfer-encoding']);
  });

  it('streams the events of the API in frames that AWS\'s codec reads, without pings', async () => {
    const answer = await ask(simulator, '/model/anthropic.claude-haiku-4-5-20251001-v1:0/invoke-with-response-stream', BEDROCK);
    const messages = messagesOf(answer.body);
    const native = payloadsOf((await askModel(simulator, 'claude-haiku-4-5-20251001', { stream: true })).body).filter(({ type }) => type !== 'ping');
    expect(fieldValues(answer.rawHeaders, 'content-type')).toEqual(['application/vnd.amazon.eventstream']);
    expect(messages.map(({ headers }) => [headers[':event-type']?.value, headers[':message-type']?.value])).toEqual(messages.map(() => ['chunk', 'event']));
    expect(messages.map(eventOf).map(({ type }) => type)).toEqual(native.map(({ type }) => type));
    expect(messages.map(eventOf).filter(({ type }) => type === 'content_block_delta')).toEqual(native.filter(({ type }) => type === 'content_block_delta'));
    expect(record(eventOf(messages.at(-1) ?? messages[0] as Message)['amazon-bedrock-invocationMetrics'])['outputTokenCount']).toBeGreaterThan(0);
  });

  it('counts the body inside a request of CountTokens', async () => {
    const body = Buffer.from(JSON.stringify(BEDROCK)).toString('base64');
    const counted = jsonOf(await ask(simulator, '/model/anthropic.claude-haiku-4-5-20251001-v1:0/count-tokens', { input: { invokeModel: { body } } }));
    const native = jsonOf(await ask(simulator, '/v1/messages/count_tokens', { model: 'claude-haiku-4-5-20251001', messages: QUESTION.messages }));
    expect(counted).toEqual({ inputTokens: native['input_tokens'] });
  });

  it('takes betas from the body', async () => {
    const invoke = (more: object): Promise<WireMessage> => ask(simulator, '/model/anthropic.claude-sonnet-4-5-20250929-v1:0/invoke', { ...BEDROCK, context_management: { edits: [] }, ...more });
    expect((await invoke({})).startLine).toContain(' 400 ');
    expect((await invoke({ anthropic_beta: ['context-management-2025-06-27'] })).startLine).toContain(' 200 ');
  });

  it('takes a date of the API for a version, which newer clients send', async () => {
    expect((await ask(simulator, '/model/anthropic.claude-haiku-4-5-20251001-v1:0/invoke', { ...BEDROCK, anthropic_version: '2026-10-21' })).startLine).toContain(' 200 ');
  });

  it.each([
    [{ ...BEDROCK, model: 'x' }, '#: extraneous key [model]'], [{ ...BEDROCK, anthropic_version: 'vertex-2023-10-16' }, '#: required key [anthropic_version]'], [{ ...BEDROCK, stream: true }, '#: extraneous key [stream]'], [QUESTION, '#: required key [anthropic_version]'],
  ])('refuses %j', async (body, reason) => {
    const answer = await ask(simulator, '/model/anthropic.claude-haiku-4-5-20251001-v1:0/invoke', body);
    expect([answer.startLine, fieldValues(answer.rawHeaders, 'x-amzn-errortype')[0]?.split(':')[0]]).toEqual(['HTTP/1.1 400 Bad Request', 'ValidationException']);
    expect(jsonOf(answer)['message']).toContain(reason);
  });

  it('answers errors in the shape of the cloud, also inside a stream', async () => {
    simulator.next({ status: 529 }).next({ status: 429, message: 'Too many tokens', retryAfter: 3 });
    const path = '/model/anthropic.claude-haiku-4-5-20251001-v1:0/invoke';
    expect((await ask(simulator, path, BEDROCK)).startLine).toContain(' 503 ');
    const throttled = await ask(simulator, path, BEDROCK);
    expect([throttled.startLine, jsonOf(throttled), fieldValues(throttled.rawHeaders, 'retry-after')]).toEqual(['HTTP/1.1 429 Too Many Requests', { message: 'Too many tokens' }, ['3']]);
    const last = messagesOf((await ask(simulator, '/model/anthropic.sim-stream-error/invoke-with-response-stream', BEDROCK)).body).at(-1);
    expect([last?.headers[':message-type']?.value, last?.headers[':exception-type']?.value]).toEqual(['exception', 'modelStreamErrorException']);
  });

  it('lists inference profiles', async () => {
    const list = jsonOf(await ask(simulator, '/inference-profiles?type=SYSTEM_DEFINED', undefined, {}, 'GET'))['inferenceProfileSummaries'];
    expect(Array.isArray(list) ? list.map((profile) => record(profile)['inferenceProfileId']) : []).toContain('us.anthropic.claude-haiku-4-5-20251001-v1:0');
  });

  it('takes programmed answers and faults like the API', async () => {
    simulator.reply('programmed').fail({ cutAt: 200 });
    const path = '/model/anthropic.claude-haiku-4-5-20251001-v1:0/invoke-with-response-stream';
    const text = messagesOf((await ask(simulator, path, BEDROCK)).body).map(eventOf).map(textOf).join('');
    const cut = await ask(simulator, path, BEDROCK);
    expect([text, cut.body.length, cut.complete]).toEqual(['programmed', 200, false]);
  });
});

describe('the simulator as Vertex AI', () => {
  it('answers rawPredict with the message of the API, under the header fields of the cloud', async () => {
    const answer = await ask(simulator, `${VERTEX_MODELS}/claude-haiku-4-5@20251001:rawPredict`, VERTEX, { authorization: 'Bearer any' });
    const native = jsonOf(await askModel(simulator, 'claude-haiku-4-5-20251001'));
    expect(jsonOf(answer)).toMatchObject({ content: native['content'], model: 'claude-haiku-4-5-20251001' });
    expect(fieldValues(answer.rawHeaders, 'request-id')[0]).toMatch(/^req_vrtx_/);
  });

  it('streams text events', async () => {
    const answer = await ask(simulator, `${VERTEX_MODELS}/claude-haiku-4-5@20251001:streamRawPredict`, { ...VERTEX, stream: true });
    expect(fieldValues(answer.rawHeaders, 'content-type')).toEqual(['text/event-stream; charset=utf-8']);
    expect(payloadsOf(answer.body).at(-1)).toEqual({ type: 'message_stop' });
  });

  it('counts with the model in the body', async () => {
    const body = { anthropic_version: 'vertex-2023-10-16', model: 'claude-haiku-4-5@20251001', messages: QUESTION.messages };
    expect(jsonOf(await ask(simulator, `${VERTEX_MODELS}/count-tokens:rawPredict`, body))).toEqual({ input_tokens: expect.any(Number) as number });
  });

  it('has the errors of the cloud for what the cloud refuses, and the API\'s for what the model refuses', async () => {
    const path = `${VERTEX_MODELS}/claude-haiku-4-5@20251001:rawPredict`;
    simulator.next({ status: 429 });
    expect(jsonOf(await ask(simulator, path, VERTEX))['error']).toMatchObject({ code: 429, status: 'RESOURCE_EXHAUSTED' });
    expect(jsonOf(await ask(simulator, path, { ...VERTEX, messages: [] }))).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    expect((await ask(simulator, `${VERTEX_MODELS}/claude-haiku-4-5@20251001:predict`, VERTEX)).startLine).toContain(' 404 ');
  });
});

describe('the simulator under /anthropic', () => {
  it('is the API itself (Bedrock Mantle, Foundry)', async () => {
    const body = { model: 'claude-haiku-4-5', ...QUESTION };
    const below = await ask(simulator, '/anthropic/v1/messages?beta=true', body);
    expect(jsonOf(below)).toEqual(jsonOf(await ask(simulator, '/v1/messages?beta=true', body)));
    expect(simulator.requests.map(({ path }) => path)).toContain('/anthropic/v1/messages');
  });
});

describe('the simulator with apiKeys', () => {
  it('admits a bearer, or a signature by the access key, on the paths of the clouds', async () => {
    await using guarded = await startSimulator({ apiKeys: ['AKIDEXAMPLE'] });
    const status = async (path: string, body: object, authorization: string): Promise<string> => (await ask(guarded, path, body, { authorization })).startLine.split(' ')[1] ?? '';
    const signature = (key: string): string => `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00`;
    const bedrock = '/model/anthropic.claude-haiku-4-5-20251001-v1:0/invoke';
    const vertex = `${VERTEX_MODELS}/claude-haiku-4-5@20251001:rawPredict`;
    expect(await Promise.all([
      status(bedrock, BEDROCK, signature('AKIDEXAMPLE')), status(bedrock, BEDROCK, signature('AKIDOTHER')), status(bedrock, BEDROCK, 'Bearer AKIDEXAMPLE'),
      status(vertex, VERTEX, 'Bearer AKIDEXAMPLE'), status(vertex, VERTEX, 'Bearer other'),
    ])).toEqual(['200', '403', '200', '200', '401']);
  });
});
