import { createHash } from 'node:crypto';
import { answerAlways, fieldValues, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, TEST_KEY, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

const CLIENT_KEY = `pen_${'k'.repeat(43)}`;
const CLIENTS = [{ name: 'ci', key_sha256: createHash('sha256').update(CLIENT_KEY).digest('hex') }];
const GROUPS = ['messages', 'models', 'batches', 'files', 'skills', 'agents', 'admin'];

/** A secret of each kind; every one is a word that can be found in raw bytes. */
const SECRETS = {
  authorization: 'Bearer marked-secret-authorization', 'x-api-key': 'marked-secret-api-key', cookie: 'session=marked-secret-cookie', 'proxy-authorization': 'Basic marked-secret-proxy', 'x-penstock-key': 'marked-secret-gateway-key',
  'x-goog-api-key': 'marked-secret-other-cloud', 'x-forwarded-for': 'marked-secret-address', 'x_api_key': 'marked-secret-underscore', 'x-penstock-anything': 'marked-secret-internal',
} as const;

const ROUTES = [
  ['POST', '/v1/messages', 'json'], ['POST', '/v1/messages/count_tokens', 'json'], ['POST', '/v1/complete', 'json'], ['GET', '/v1/models', ''], ['GET', '/v1/models/m', ''],
  ['POST', '/v1/messages/batches', 'chunked'], ['GET', '/v1/messages/batches/b', ''], ['POST', '/v1/messages/batches/b/cancel', ''], ['GET', '/v1/messages/batches/b/results', ''], ['DELETE', '/v1/messages/batches/b', ''],
  ['POST', '/v1/files', 'chunked'], ['GET', '/v1/files', ''], ['GET', '/v1/files/f/content', ''], ['DELETE', '/v1/files/f', ''], ['POST', '/v1/skills', 'chunked'], ['GET', '/v1/skills/s', ''],
  ['POST', '/v1/agents', 'chunked'], ['GET', '/v1/sessions/s/events', ''], ['GET', '/v1/organizations/o/users', ''], ['POST', '/v1/tunnels/t/reveal_token', 'json'], ['PATCH', '/v1/tomorrow', 'chunked'],
] as const;

interface Mode {
  readonly name: string;
  readonly document: ConfigDocument;
  /** Replaces the marked secrets that the mode needs to be right. */
  readonly fields: Readonly<Partial<Record<string, string>>>;
  /** What may be found outbound. */
  readonly crossing: readonly string[];
}

const native = { route_groups: GROUPS, allow_unknown_routes: true };
const MODES: readonly Mode[] = [
  { name: 'inject, anonymous', document: { anthropic_native: native }, fields: {}, crossing: [] },
  { name: 'inject, client key in x-api-key', document: { anthropic_native: native, clients: CLIENTS.map((one) => ({ ...one, routes: GROUPS.concat('unknown') })) }, fields: { 'x-api-key': CLIENT_KEY, authorization: `Bearer ${CLIENT_KEY}`, 'x-penstock-key': CLIENT_KEY }, crossing: [] },
  { name: 'forward', document: { anthropic_native: { ...native, credentials: 'forward', api_key: undefined } }, fields: { authorization: 'Bearer marked-secret-api-key' }, crossing: ['marked-secret-api-key'] },
  { name: 'forward, bearer alone', document: { anthropic_native: { ...native, credentials: 'forward', api_key: undefined } }, fields: { 'x-api-key': '' }, crossing: ['marked-secret-authorization'] },
  { name: 'forward with a gateway key', document: { anthropic_native: { ...native, credentials: 'forward', api_key: undefined }, clients: CLIENTS.map((one) => ({ ...one, routes: GROUPS.concat('unknown') })) }, fields: { 'x-api-key': '', 'x-penstock-key': CLIENT_KEY }, crossing: ['marked-secret-authorization'] },
];

let upstream: ScriptedUpstream;
beforeAll(async () => { upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}'))); });
afterAll(() => upstream.close());

function requestBytes(method: string, path: string, kind: string, fields: Readonly<Partial<Record<string, string>>>): string {
  const lines = Object.entries(fields).filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `${method} /anthropic${path}?untouched=%2e%2e&b=1;2 HTTP/1.1\r\nHost: localhost\r\n${lines}`;
  if (kind === '') return `${head}\r\n`;
  // The trailers repeat every secret; `json` routes gather their body, the others stream it.
  const trailers = Object.entries(SECRETS).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: x-api-key\r\n\r\n2\r\n{}\r\n0\r\n${trailers}\r\n`;
}

describe.each(MODES)('$name', ({ document, fields, crossing }) => {
  let gateway: TestGateway;
  beforeAll(async () => { gateway = await startTestGateway(upstream.origin, document); });
  afterAll(() => gateway.close());

  test.each(ROUTES)('%s %s carries no secret that was not meant for it', async (method, path, kind) => {
    const before = upstream.requests.length;
    const response = await sendRawRequest(gateway.port, requestBytes(method, path, kind, { ...SECRETS, ...fields }));
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([200, []]);
    expect(upstream.requests.length).toBe(before + 1);
    const outbound = upstream.requests.at(-1);
    expect(outbound?.startLine).toBe(`${method} ${path}?untouched=%2e%2e&b=1;2 HTTP/1.1`);
    const bytes = outbound?.bytes.toString('latin1') ?? '';
    const found = new Set(bytes.match(/marked-secret-[\w-]+/g) ?? []);
    expect([...found]).toEqual(crossing);
    expect(bytes).not.toContain(CLIENT_KEY);
    expect(bytes.includes(TEST_KEY)).toBe(crossing.length === 0);
    expect(bytes.toLowerCase()).not.toMatch(/penstock-(?!test)/);
    if (kind !== '') expect(outbound?.body.toString()).toBe('{}');
  });
});

describe('what the API may add tomorrow', () => {
  let gateway: TestGateway;
  beforeAll(async () => { gateway = await startTestGateway(upstream.origin); });
  afterAll(() => gateway.close());

  const send = async (fields: string, body: string): Promise<NonNullable<(typeof upstream.requests)[number]>> => {
    const response = await sendRawRequest(gateway.port, `POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    expect(statusOf(response)).toBe(200);
    return upstream.requests.at(-1) as NonNullable<(typeof upstream.requests)[number]>;
  };

  test('unknown anthropic fields and unknown body members cross unchanged', async () => {
    const body = '{ "model" : "m","tomorrow":{"a":[1.0e+2,-0,"\\u00e9"]},\n"stream":"maybe" , "max_tokens":"x"}';
    const outbound = await send('Anthropic-New-Thing: X  y;z="1"\r\nanthropic-beta: a,b\r\nanthropic-beta: c\r\nx-stainless-tomorrow: 1\r\nx-claude-code-tomorrow: 2\r\n', body.replaceAll('é', 'e'));
    expect(outbound.body.toString()).toBe(body);
    expect(outbound.bytes.toString('latin1')).toContain('\r\nAnthropic-New-Thing: X  y;z="1"\r\nanthropic-beta: a,b\r\nanthropic-beta: c\r\nx-stainless-tomorrow: 1\r\nx-claude-code-tomorrow: 2\r\n');
  });

  test('the client\'s anthropic-version is never overwritten, and given only where there is none', async () => {
    for (const version of ['2023-01-01', 'tomorrow', '2099-12-31']) expect(fieldValues((await send(`Anthropic-Version: ${version}\r\n`, '{}')).rawHeaders, 'anthropic-version')).toEqual([version]);
    expect(fieldValues((await send('', '{}')).rawHeaders, 'anthropic-version')).toEqual(['2023-06-01']);
  });

  test('accept-encoding is never added, and crosses as it came', async () => {
    expect(fieldValues((await send('', '{}')).rawHeaders, 'accept-encoding')).toEqual([]);
    expect(fieldValues((await send('Accept-Encoding: zstd;q=0.5, br\r\n', '{}')).rawHeaders, 'accept-encoding')).toEqual(['zstd;q=0.5, br']);
  });
});
