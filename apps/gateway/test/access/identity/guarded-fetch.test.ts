import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '@penstock/test-support';
import { isForbiddenAddress } from '../../../src/access/identity/forbidden-address.ts';
import { GuardedFetchError } from '../../../src/access/identity/guarded-messages.ts';
import { guardedFetch, type ResolveName } from '../../../src/access/identity/guarded-fetch.ts';

let server: Server;
let port: number;
const BOUNDS = { timeoutMs: 5_000, maxBytes: 1_000 };

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/hang') return;
    if (request.url === '/elsewhere') response.writeHead(302, { location: '/' }).end();
    else response.end(request.url === '/long' ? 'x'.repeat(1_001) : request.headers.host);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const failure = async (url: string, bounds = BOUNDS, resolve?: ResolveName): Promise<string> => {
  try {
    await guardedFetch(new URL(url), bounds, resolve);
    return 'answered';
  } catch (error) {
    return error instanceof GuardedFetchError ? error.failure : String(error);
  }
};
const resolvesTo = (...addresses: readonly string[]): ResolveName => (_name, _options, callback) =>
  callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

describe('a fetch from a machine that the configuration names', () => {
  test('takes what is within its bounds', async () => {
    const { status, body } = await guardedFetch(new URL(`http://127.0.0.1:${port}/`), BOUNDS);
    expect([status, body.toString()]).toEqual([200, `127.0.0.1:${port}`]);
  });

  test('never follows a redirect', async () => {
    expect((await guardedFetch(new URL(`http://127.0.0.1:${port}/elsewhere`), BOUNDS)).status).toBe(302);
  });

  test.each([['/long', 'too_large'], ['/hang', 'timeout']])('ends at its bounds: %s', async (path, expected) => {
    expect(await failure(`http://127.0.0.1:${port}${path}`, { ...BOUNDS, timeoutMs: path === '/hang' ? 50 : 5_000 })).toBe(expected);
  });

  test.each([
    ['http://idp.example/', 'scheme'], ['http://10.0.0.1/', 'scheme'], ['ftp://127.0.0.1/', 'scheme'], ['https://user:pass@127.0.0.1/', 'scheme'],
    ['https://169.254.169.254/latest', 'address'], ['https://[fd00:ec2::254]/', 'address'], ['https://[::ffff:169.254.169.254]/', 'address'], ['https://2852039166/', 'address'],
    ['https://0xa9fea9fe/', 'address'], ['https://100.100.100.200/', 'address'], ['https://168.63.129.16/', 'address'], ['https://0.0.0.0/', 'address'], ['https://[::]/', 'address'],
    ['https://[64:ff9b::a9fe:a9fe]/', 'address'], ['https://[2002:a9fe:a9fe::]/', 'address'], ['https://255.255.255.255/', 'address'],
  ])('refuses an address at which no issuer stands, however it is written: %s', async (url, expected) => {
    expect(await failure(url)).toBe(expected);
  });

  test.each([[['169.254.169.254']], [['127.0.0.1']], [['::1']], [['192.0.2.1', '169.254.169.254']], [['::ffff:127.0.0.1']]])('refuses a name that resolves to such an address: %j', async (addresses) => {
    expect(await failure('https://idp.example/', BOUNDS, resolvesTo(...addresses))).toBe('address');
  });

  test.each([['192.0.2.1'], ['10.0.0.1'], ['fd12::1']])('refuses a name of this machine that resolves to another one: %s', async (address) => {
    expect(await failure('http://idp.localhost/', BOUNDS, resolvesTo(address))).toBe('address');
    expect(await failure('http://localhost/', BOUNDS, resolvesTo('127.0.0.1', address))).toBe('address');
  });

  test('connects to the address that was checked, and asks for no other', async () => {
    let asked = 0;
    const once: ResolveName = (_name, _options, callback) => {
      asked += 1;
      callback(null, [{ address: asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]);
    };
    const { body } = await guardedFetch(new URL(`http://idp.localhost:${port}/`), BOUNDS, once);
    expect([asked, body.toString()]).toEqual([1, `idp.localhost:${port}`]);
  });

  test('verifies certificates against the usual authorities and the one that is configured, whatever the environment says', async () => {
    const authority = createAuthority('identity');
    const secure = createTlsServer(authority.issue({ names: ['localhost'] }), (_request, response) => { response.end('{}'); });
    secure.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => { secure.listen(0, '127.0.0.1', resolve); });
    const url = new URL(`https://localhost:${(secure.address() as AddressInfo).port}/`);
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await failure(url.href)).toBe('network');
      expect((await guardedFetch(url, { ...BOUNDS, ca: authority.cert })).status).toBe(200);
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      secure.closeAllConnections();
      secure.close();
    }
  });
});

test('addresses of private networks are not forbidden: companies have their provider there', () => {
  for (const address of ['10.0.0.1', '192.168.1.1', '172.16.0.1', 'fd12:3456::1', '100.64.0.1']) expect([address, isForbiddenAddress(address, false)]).toEqual([address, false]);
  expect(isForbiddenAddress('127.0.0.1', true)).toBe(false);
});
