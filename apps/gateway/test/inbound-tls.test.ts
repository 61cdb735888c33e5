import tls, { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { createAuthority, openRawConnection } from '@penstock/test-support';
import { Agent, Client, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { gatewayConfigSchema } from '../src/config/gateway-config.ts';
import { startTestGateway } from './start-test-gateway.ts';

const authority = createAuthority('Test Authority');
const server = authority.issue({ names: ['localhost', '127.0.0.1'] });
const clientAuthority = createAuthority('Client Authority');
const alice = clientAuthority.issue({ names: ['alice'] });
const stranger = createAuthority('Another Authority').issue({ names: ['mallory'] });

let simulator: Simulator;

beforeAll(async () => { simulator = await startSimulator(); });
afterAll(() => simulator.close());

const models = async (port: number, certificate?: { readonly cert: string; readonly key: string }): Promise<number> => {
  const agent = new Agent({ connect: { ca: authority.cert, ...certificate }, allowH2: false });
  try {
    return (await undiciFetch(`https://localhost:${port}/anthropic/v1/models`, { dispatcher: agent })).status;
  } finally {
    await agent.destroy();
  }
};

test('serves TLS with the configured certificate', async () => {
  await using gateway = await startTestGateway(simulator.origin, { server: { tls: server } });
  expect(await models(gateway.port)).toBe(200);
  const secure: TLSSocket = connect({ port: gateway.port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
  await once(secure, 'secureConnect');
  expect(secure.getPeerCertificate().subjectaltname).toContain('localhost');
  secure.destroy();
});

/** Lets the whole process speak old versions, for the length of the test. */
function loosenProcess(): void {
  const { DEFAULT_CIPHERS, DEFAULT_MIN_VERSION } = tls;
  onTestFinished(() => { Object.assign(tls, { DEFAULT_CIPHERS, DEFAULT_MIN_VERSION }); });
  Object.assign(tls, { DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0', DEFAULT_MIN_VERSION: 'TLSv1' });
}

/** Why a client that speaks TLS 1.1 at most gets nowhere, or that it does not. */
function failureOfOldVersion(port: number): Promise<string | undefined> {
  const old = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' });
  return new Promise((resolve) => {
    old.once('error', (error: NodeJS.ErrnoException) => { resolve(error.code); });
    old.once('secureConnect', () => {
      old.destroy();
      resolve('it connected');
    });
  });
}

test('refuses TLS 1.1, even where the whole process was loosened', async () => {
  loosenProcess();
  await using gateway = await startTestGateway(simulator.origin, { server: { tls: server } });
  expect(await failureOfOldVersion(gateway.port)).toMatch(/^(?:ERR_SSL_|ECONNRESET)/);
});

test('a client that never shakes hands is closed by the clock of the head', async () => {
  await using gateway = await startTestGateway(simulator.origin, { server: { tls: server } }, { inboundLimits: { headersTimeoutMs: 200 } });
  const silent = await openRawConnection(gateway.port);
  await silent.closed();
  expect(silent.received().length).toBe(0);
});

test('a renewed certificate is shown to new connections, and breaks none that is open', async () => {
  const document = { server: { tls: server } };
  await using gateway = await startTestGateway(simulator.origin, document);
  const shown = async (): Promise<[TLSSocket, string]> => {
    const secure = connect({ port: gateway.port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    await once(secure, 'secureConnect');
    return [secure, secure.getPeerCertificate().serialNumber];
  };
  const [open, before] = await shown();
  const renewed = gatewayConfigSchema.parse({ anthropic_native: { base_url: simulator.origin, api_key: 'sk-ant-test' }, server: { port: 0, tls: authority.issue({ names: ['localhost', '127.0.0.1'] }) } });
  gateway.update(renewed);
  const [next, after] = await shown();
  expect(after).not.toBe(before);
  expect(await models(gateway.port)).toBe(200);
  open.write('GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const [answer] = await once(open, 'data') as [Buffer];
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 200 /);
  open.destroy();
  next.destroy();
});

test('refuses an old version of TLS with a renewed certificate as well', async () => {
  loosenProcess();
  await using gateway = await startTestGateway(simulator.origin, { server: { tls: server } });
  gateway.update(gatewayConfigSchema.parse({ anthropic_native: { base_url: simulator.origin, api_key: 'sk-ant-test' }, server: { port: 0, tls: authority.issue({ names: ['localhost'] }) } }));
  expect(await failureOfOldVersion(gateway.port)).toMatch(/^(?:ERR_SSL_|ECONNRESET)/);
});

test('streams over TLS, byte for byte', async () => {
  await using gateway = await startTestGateway(simulator.origin, { server: { tls: server } });
  const agent = new Agent({ connect: { ca: authority.cert }, allowH2: false });
  const ask = (origin: string, dispatcher?: Agent): Promise<string> => undiciFetch(`${origin}/v1/messages`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }, ...(dispatcher === undefined ? {} : { dispatcher }),
    body: JSON.stringify({ model: 'sim-text', max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'Say hello' }] }),
  }).then((response) => response.text());
  const text = await ask(`https://localhost:${gateway.port}/anthropic`, agent);
  expect(text).toContain('event: message_stop');
  expect(text).toBe(await ask(simulator.origin));
  await agent.close();
});

test('requests that follow each other on a kept TLS connection are not taken for pipelined, large or small', async () => {
  await using gateway = await startTestGateway(simulator.origin, { server: { tls: server } });
  const connection = new Client(`https://localhost:${gateway.port}`, { connect: { ca: authority.cert }, allowH2: false });
  let connects = 0;
  connection.on('connect', () => { connects += 1; });
  const statuses: number[] = [];
  for (const size of [10, 3_000_000, 10, 10, 300_000, 10]) {
    const body = JSON.stringify({ model: 'sim-text', max_tokens: 8, messages: [{ role: 'user', content: 'x'.repeat(size) }] });
    const response = await connection.request({ method: 'POST', path: '/anthropic/v1/messages', headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }, body });
    await response.body.dump();
    statuses.push(response.statusCode);
  }
  expect([statuses, connects]).toEqual([[200, 200, 200, 200, 200, 200], 1]);
  await connection.close();
});

describe('with client_ca', () => {
  test.each([['a certificate of that authority', alice, true], ['none', undefined, false], ['one of another authority', stranger, false]])('a client with %s', async (_name, certificate, isAccepted) => {
    await using gateway = await startTestGateway(simulator.origin, { server: { tls: { ...server, client_ca: clientAuthority.cert } } });
    const answer = await models(gateway.port, certificate).catch(() => 'refused');
    expect(answer).toBe(isAccepted ? 200 : 'refused');
    // A renewed certificate of ours changes nothing of whom we take.
    const renewed = { ...authority.issue({ names: ['localhost', '127.0.0.1'] }), client_ca: clientAuthority.cert };
    gateway.update(gatewayConfigSchema.parse({ anthropic_native: { base_url: simulator.origin, api_key: 'sk-ant-test' }, server: { port: 0, tls: renewed } }));
    expect(await models(gateway.port, certificate).catch(() => 'refused')).toBe(isAccepted ? 200 : 'refused');
  });
});
