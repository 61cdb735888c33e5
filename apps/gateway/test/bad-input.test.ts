import { answerAlways, fieldValues, openRawConnection, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from './start-test-gateway.ts';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let before = 0;

beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  gateway = await startTestGateway(upstream.origin);
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

beforeEach(() => { before = upstream.requests.length; });

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly type: string;
}

interface ErrorBody {
  readonly type: string;
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id: string;
}

async function expectRefused(bytes: string | Buffer, { status, code, type }: Refused): Promise<ErrorBody & { readonly rawHeaders: WireMessage['rawHeaders'] }> {
  const response = await sendRawRequest(gateway.port, bytes);
  expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([status, [code]]);
  const body = JSON.parse(response.body.toString()) as ErrorBody;
  expect(body).toMatchObject({ type: 'error', error: { type } });
  expect([body.request_id]).toEqual(fieldValues(response.rawHeaders, 'request-id'));
  expect(body.request_id).toMatch(/^pen_/);
  expect(upstream.requests.length).toBe(before);
  return { ...body, rawHeaders: response.rawHeaders };
}

const post = (body: string | Buffer, fields = 'Content-Type: application/json\r\n', path = '/anthropic/v1/messages'): Buffer => {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
};
const get = (path: string, method = 'GET', fields = ''): string => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

const BAD_REQUEST: Refused = { status: 400, code: 'bad_request', type: 'invalid_request_error' };
const NOT_FOUND: Refused = { status: 404, code: 'not_found', type: 'not_found_error' };

describe('bodies', () => {
  test.each([
    ['malformed JSON', '{"model": nope}'], ['an empty body', ''], ['an array', '[1]'], ['two top-level models', '{"model":"a","mod\\u0065l":"b"}'],
    ['a byte order mark', '\u{FEFF}{}'], ['a truncated text', '{"model":"a"'],
  ])('%s is a 400 that never reaches the upstream', async (_name, body) => {
    await expectRefused(post(body), BAD_REQUEST);
  });

  test('the message of a malformed body names the byte', async () => {
    expect((await expectRefused(post('{"model": nope}'), BAD_REQUEST)).error.message).toContain('byte 1');
  });

  test('invalid UTF-8 is a 400', async () => {
    await expectRefused(post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), BAD_REQUEST);
  });

  test.each([['text/plain'], ['multipart/form-data; boundary=x'], ['']])('content-type %j is a 415', async (contentType) => {
    const fields = contentType === '' ? '' : `Content-Type: ${contentType}\r\n`;
    await expectRefused(post('{}', fields), { status: 415, code: 'unsupported_media_type', type: 'invalid_request_error' });
  });

  test('an unknown content coding is a 415 that names the codings it may have', async () => {
    const { rawHeaders } = await expectRefused(post('{}', 'Content-Type: application/json\r\nContent-Encoding: lzma\r\n'), { status: 415, code: 'unsupported_media_type', type: 'invalid_request_error' });
    expect(fieldValues(rawHeaders, 'accept-encoding')).toEqual(['gzip, deflate, br, zstd']);
  });

  const TOO_LARGE: Refused = { status: 413, code: 'too_large', type: 'request_too_large' };

  test('an announced body of 33 MB is refused before it is read', async () => {
    const announced = `POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${33 * 1024 * 1024 + 1}\r\n\r\n`;
    await expectRefused(announced, TOO_LARGE);
  });

  test('a chunked body is counted, and the client that still sends gets the whole 413', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send('POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
    const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000, 0x20), Buffer.from('\r\n')]);
    for (let index = 0; index < 34; index += 1) connection.send(piece);
    const response = await connection.readMessage({ kind: 'response' });
    expect(statusOf(response)).toBe(413);
    expect(response.complete).toBe(true);
    expect(fieldValues(response.rawHeaders, 'connection')).toEqual(['close']);
    expect(upstream.requests.length).toBe(before);
    connection.close();
  });
});

describe('paths and methods', () => {
  test.each([
    '/anthropic/v1/files/../organizations/api_keys', '/anthropic/v1/files/%2e%2e/organizations', '/anthropic/v1/files/%2E%2E%2Forganizations',
    '/anthropic/v1//messages', '/anthropic/v1/./messages', '/anthropic/v1/messages;x=1', '/anthropic/v1/messages/', '/anthropic\\v1\\messages',
    '/anthropic/v1/messages#x', '/anthropic/v1/messages?a=1#x', '/anthropic/v1/files/%5c..%5corganizations', '/anthropic/v1/files/%252e%252e/x', '/anthropic/v1/files/%zz',
    '/anthropic/v1/files/%00',
  ])('%s is a 400 before routing', async (path) => {
    await expectRefused(get(path), BAD_REQUEST);
  });

  test.each(['/anthropic/v1/nothing', '/anthropic/v1/organizations/api_keys', '/anthropic/v1/agents', '/anthropic/v1/tunnels/t/reveal_token', '/anthropic', '/anthropic/v2/messages'])('%s is a 404', async (path) => {
    await expectRefused(get(path), NOT_FOUND);
  });

  test('a route that is switched off names its setting', async () => {
    expect((await expectRefused(get('/anthropic/v1/agents'), NOT_FOUND)).error.message).toContain('anthropic_native.route_groups');
  });

  test('another method on a known path is a 405 with allow', async () => {
    const response = await sendRawRequest(gateway.port, get('/anthropic/v1/messages'));
    expect(statusOf(response)).toBe(405);
    expect(fieldValues(response.rawHeaders, 'allow')).toEqual(['POST']);
  });

  test('elsewhere a 404 has a plain JSON body', async () => {
    const response = await sendRawRequest(gateway.port, get('/favicon.ico'));
    expect(statusOf(response)).toBe(404);
    expect(JSON.parse(response.body.toString())).toEqual({ error: { message: expect.any(String) as string } });
  });
});

describe('own paths need no key', () => {
  test('the index, the probe of Claude Code and the health page answer', async () => {
    expect(await (await fetch(gateway.origin)).json()).toMatchObject({ name: 'penstock', prefixes: { anthropic: '/anthropic' } });
    expect((await fetch(`${gateway.anthropic}/api/hello`, { method: 'HEAD' })).status).toBe(200);
    expect(await (await fetch(`${gateway.anthropic}/health`)).json()).toMatchObject({ status: 'healthy', service: 'anthropic-native' });
    expect(gateway.logged.some(({ route }) => String(route).includes('hello'))).toBe(false);
  });
});
