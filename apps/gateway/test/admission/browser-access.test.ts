import { answerAlways, fieldValues, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const LISTED = 'https://app.example';
let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json', 'access-control-allow-origin', '*'], '{}')));
  gateway = await startTestGateway(upstream.origin, { server: { cors_origins: [LISTED], allowed_hosts: ['gateway.example', '[2001:db8::1]:8443'] } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const send = (method: string, fields: string, host = 'localhost'): Promise<WireMessage> => sendRawRequest(gateway.port, `${method} /anthropic/v1/models HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);

describe('a page of a listed origin', () => {
  test('gets its preflight answered, without a key and without the upstream', async () => {
    const before = upstream.requests.length;
    const response = await send('OPTIONS', `Origin: ${LISTED}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type, x-api-key, anthropic-new-thing\r\nSec-Fetch-Site: cross-site\r\n`);
    expect(statusOf(response)).toBe(204);
    expect(fieldValues(response.rawHeaders, 'access-control-allow-origin')).toEqual([LISTED]);
    expect(fieldValues(response.rawHeaders, 'access-control-allow-headers')).toEqual(['content-type, x-api-key, anthropic-new-thing']);
    expect(fieldValues(response.rawHeaders, 'access-control-allow-credentials')).toEqual([]);
    expect(fieldValues(response.rawHeaders, 'vary').join()).toContain('Origin');
    expect(fieldValues(response.rawHeaders, 'content-length')).toEqual([]);
    expect(upstream.requests.length).toBe(before);
  });

  test('may read answers and errors; what the upstream says of origins does not cross', async () => {
    const answer = await send('GET', `Origin: ${LISTED}\r\nSec-Fetch-Site: cross-site\r\n`);
    expect([statusOf(answer), fieldValues(answer.rawHeaders, 'access-control-allow-origin')]).toEqual([200, [LISTED]]);
    const refused = await send('PUT', `Origin: ${LISTED}\r\n`);
    expect([statusOf(refused), fieldValues(refused.rawHeaders, 'access-control-allow-origin')]).toEqual([405, [LISTED]]);
  });
});

test('apps and extensions come in when their origin is listed, byte for byte, and a page without an origin is not asked to be listed', async () => {
  const origins = ['app://obsidian.md', 'chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh', 'tauri://localhost', 'vscode-webview://0u1v2w3x'];
  await using app = await startTestGateway(upstream.origin, { server: { cors_origins: origins } });
  const preflight = (origin: string): Promise<WireMessage> => sendRawRequest(app.port, `OPTIONS /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: POST\r\nSec-Fetch-Site: cross-site\r\n\r\n`);
  for (const origin of origins) {
    const response = await preflight(origin);
    expect([statusOf(response), fieldValues(response.rawHeaders, 'access-control-allow-origin')]).toEqual([204, [origin]]);
  }
  for (const origin of ['app://Obsidian.md', 'app://obsidian.md:80', 'app://obsidian.md.attacker.example', 'tauri://localhost/']) expect([origin, statusOf(await preflight(origin))]).toEqual([origin, 403]);
  expect((await preflight('app://other')).body.toString()).toContain('server.cors_origins');
  const withoutOrigin = await preflight('null');
  expect([statusOf(withoutOrigin), withoutOrigin.body.toString().includes('server.cors_origins')]).toEqual([403, false]);
});

test.each([
  ['another origin', 'Origin: https://attacker.example\r\n'], ['a sandboxed page', 'Origin: null\r\n'], ['a file', 'Origin: file://\r\n'], ['a local development server', 'Origin: http://localhost:3000\r\n'], ['an extension', 'Origin: chrome-extension://abc\r\n'],
  ['an image of another site', 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n'], ['a link of a sibling site', 'Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\n'],
])('%s is refused, and never reaches the upstream', async (_name, fields) => {
  const before = upstream.requests.length;
  for (const [method, more] of [['GET', ''], ['OPTIONS', 'Access-Control-Request-Method: POST\r\n']] as const) {
    const response = await send(method, fields + more);
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error'), fieldValues(response.rawHeaders, 'access-control-allow-origin')]).toEqual([403, ['forbidden'], []]);
  }
  expect(upstream.requests.length).toBe(before);
});

test('a name that was rebound to us is misdirected, listed names and loopback are not', async () => {
  for (const host of ['attacker.example', 'attacker.example:8000', '[2001:db8::1]', '[2001:db8::1]:80']) expect(statusOf(await send('GET', '', host))).toBe(421);
  for (const host of ['gateway.example', 'gateway.example:1', '[2001:db8::1]:8443', 'localhost', '[::1]', '127.0.0.1:1']) expect(statusOf(await send('GET', '', host))).toBe(200);
});
