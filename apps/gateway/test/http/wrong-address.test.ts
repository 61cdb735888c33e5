import { fieldValues, sendRawRequest, startScriptedUpstream, statusOf } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const KEY = 'pen_the-key-of-a-client';
const VERSION = 'anthropic-version: 2023-06-01\r\n';

type Shape = 'anthropic' | 'openai' | 'plain';

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly retry: string | undefined;
  readonly shape: Shape;
  readonly message: string;
}

let upstream: Awaited<ReturnType<typeof startScriptedUpstream>>;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startScriptedUpstream(() => undefined);
  gateway = await startTestGateway(upstream.origin, {
    clients: [{ name: 'one', key_sha256: hashClientKey(KEY) }], server: { allowed_hosts: ['gw.example'] }, anthropic_native: { allow_unknown_routes: true },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function shapeOf(body: { readonly type?: string; readonly error: { readonly code?: string } }): Shape {
  if (body.type === 'error') return 'anthropic';
  return body.error.code === undefined ? 'plain' : 'openai';
}

async function ask(target: string, { method = 'GET', fields = '', host = `127.0.0.1:${gateway.port}` } = {}): Promise<Answer> {
  const length = method === 'POST' ? 'content-type: application/json\r\ncontent-length: 2\r\n\r\n{}' : '\r\n';
  const response = await sendRawRequest(gateway.port, `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${fields}${length}`);
  const body = JSON.parse(response.body.toString()) as { type?: string; error: { message: string; code?: string } };
  const field = (name: string): string | undefined => fieldValues(response.rawHeaders, name)[0];
  return { status: statusOf(response), code: field('x-penstock-error'), retry: field('x-should-retry'), shape: shapeOf(body), message: body.error.message };
}

const MISDIRECTED: readonly (readonly [method: string, target: string, fields: string, shape: Shape, base: string])[] = [
  ['POST', '/anthropic/messages', '', 'anthropic', '/anthropic/v1'],
  ['POST', '/anthropic/messages/count_tokens', '', 'anthropic', '/anthropic/v1'],
  ['GET', '/anthropic/models', '', 'anthropic', '/anthropic/v1'],
  ['POST', '/anthropic/v1/v1/messages?beta=true', '', 'anthropic', '/anthropic'],
  ['GET', '/anthropic/v1/v1/models', '', 'anthropic', '/anthropic'],
  ['POST', '/anthropic/v1/messages/v1/messages', '', 'anthropic', '/anthropic'],
  ['POST', '/anthropic/anthropic/v1/messages', '', 'anthropic', '/anthropic'],
  ['POST', '/anthropic/v1/chat/completions', '', 'anthropic', '/v1'],
  ['POST', '/anthropic/v1/responses', '', 'anthropic', '/v1'],
  ['POST', '/anthropic/chat/completions', '', 'anthropic', '/v1'],
  ['POST', '/v1/messages', '', 'anthropic', '/anthropic'],
  ['POST', '/v1/messages/count_tokens', '', 'anthropic', '/anthropic'],
  ['POST', '/messages', '', 'anthropic', '/anthropic/v1'],
  ['GET', '/v1/models', VERSION, 'anthropic', '/anthropic'],
  ['GET', '/v1/models/claude-x', VERSION, 'anthropic', '/anthropic'],
  ['GET', '/models', VERSION, 'anthropic', '/anthropic/v1'],
  ['GET', '/models', '', 'openai', '/v1'],
  ['POST', '/chat/completions', '', 'openai', '/v1'],
  ['POST', '/responses', '', 'openai', '/v1'],
  ['POST', '/embeddings', '', 'openai', '/v1'],
  ['POST', '/audio/speech', '', 'openai', '/v1'],
  ['POST', '/images/generations', '', 'openai', '/v1'],
  ['GET', '/files', '', 'openai', '/v1'],
  ['GET', '/files', VERSION, 'anthropic', '/anthropic/v1'],
  ['POST', '/v1/v1/chat/completions', '', 'openai', '/v1'],
  ['GET', '/v1/v1/models', '', 'openai', '/v1'],
  ['POST', '/v1/v1/messages', '', 'openai', '/anthropic'],
];

describe('a path that only a wrong base URL makes', () => {
  it.each(MISDIRECTED)('%s %s %j is 421 in the shape of %s, and the sentence holds the right base URL, %s (clients rewrite a 404)', async (method, target, fields, shape, base) => {
    for (const key of ['', `x-api-key: ${KEY}\r\n`]) {
      const { message, ...answer } = await ask(target, { method, fields: fields + key });
      expect(answer).toEqual({ status: 421, code: 'misdirected', retry: 'false', shape });
      expect(message).toContain(`set it to http://127.0.0.1:${gateway.port}${base} (`);
    }
    expect(upstream.requests).toEqual([]);
  });

  it('names the host and scheme that the client used (a Host that is not ours names nothing)', async () => {
    expect((await ask('/v1/messages', { method: 'POST', host: 'gw.example', fields: 'x-forwarded-proto: http, https\r\n' })).message).toContain('set it to https://gw.example/anthropic (');
    const rebound = await ask('/v1/messages', { method: 'POST', host: 'evil.example' });
    expect([rebound.status, rebound.message.includes('evil')]).toEqual([421, false]);
  });

  it('leaves the model list of OpenAI clients to the front door', async () => {
    expect(await ask('/v1/models')).toMatchObject({ status: 401, shape: 'openai' });
  });
});

describe('a path that is not served here', () => {
  it.each(['/metrics', '/livez', '/readyz', '/health', '/healthz'])('%s is 404 and names the operations listener', async (target) => {
    expect(await ask(target)).toMatchObject({ status: 404, code: 'not_found', shape: 'plain', message: expect.stringMatching(/operations listener \(operations\.host and operations\.port/) as string });
  });

  it.each([
    '/model/anthropic.claude-x/invoke', '/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict', '/v1/projects/p/locations/l/models/m:rawPredict',
    '/anthropic/model/anthropic.claude-x/invoke', '/anthropic/v1/projects/p/locations/l/models/m:rawPredict',
  ])('%s is 404 and names the clouds, not a missing key (their clients send none of ours)', async (target) => {
    expect(await ask(target, { method: 'POST' })).toMatchObject({ status: 404, code: 'not_found', shape: 'anthropic', message: expect.stringContaining('Bedrock or Vertex') as string });
  });

  it.each([
    ['/anthropic/v1/mesages', '/anthropic/v1/messages'], ['/anthropic/v1/messages/count_token', '/anthropic/v1/messages/count_tokens'], ['/anthropic/v1/Models', '/anthropic/v1/models'],
    ['/anthropic/v1/fies/file_1/content', '/anthropic/v1/files/…'], ['/anthropic/v1/something', undefined],
  ])('%s is 404 and names the path that was meant: %s', async (target, meant) => {
    await using closed = await startTestGateway(upstream.origin);
    const response = await sendRawRequest(closed.port, `POST ${target} HTTP/1.1\r\nhost: 127.0.0.1:${closed.port}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    const { error } = JSON.parse(response.body.toString()) as { error: { message: string } };
    expect([statusOf(response), / The nearest path is (\S+)\. ?/.exec(error.message)?.[1]]).toEqual([404, meant]);
  });

  it('a path under /anthropic that is merely unknown needs a key first', async () => {
    expect(await ask('/anthropic/v1/something')).toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});

describe('a slash too many', () => {
  it.each([
    ['//anthropic/v1/messages', 'anthropic'], ['/anthropic//v1/messages', 'anthropic'], ['/anthropic/v1/messages/', 'anthropic'], ['//v1/chat/completions', 'openai'],
    ['/v1//models', 'openai'],
  ])('in %s is 400 with the cause (a second reader could take it for another path)', async (target, shape) => {
    expect(await ask(target, { method: 'POST' })).toMatchObject({ status: 400, code: 'bad_request', shape, message: expect.stringContaining('base URL of this client ends in a slash') as string });
  });

  it('at the end of a path under /v1 is that path', async () => {
    const fields = `authorization: Bearer ${KEY}\r\n`;
    expect(await ask('/v1/chat/completions/', { method: 'POST', fields })).toMatchObject({ status: 400, code: 'missing_required_parameter' });
    expect(await ask('/v1/unheard-of/', { fields })).toMatchObject({ status: 404, message: expect.stringMatching(/unheard-of\b(?!\/)/) as string });
  });
});
