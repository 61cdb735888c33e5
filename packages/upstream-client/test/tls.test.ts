import tls, { createServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls';
import { createAuthority, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { TlsOptions } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const otherAuthority = createAuthority('Another CA');
const good = authority.issue({ names: ['localhost', '127.0.0.1'] });

/** A TLS upstream that answers every request. */
async function startTlsUpstream(options: ServerOptions): Promise<ScriptedUpstream> {
  const server = createServer(options);
  server.on('tlsClientError', () => undefined);
  return startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      connection.send(wholeResponse(200, [], 'secret'));
    }
  }, { server });
}

async function outcome(options: ServerOptions, settings: TlsOptions, host = '127.0.0.1'): Promise<unknown> {
  await using upstream = await startTlsUpstream(options);
  await using client = createUpstreamClient({ origin: `https://${host}:${upstream.port}`, tls: settings });
  const { error, status } = await dispatchRequest(client, { body: '{}' }).result;
  expect(upstream.requests.length).toBe(error === undefined ? 1 : 0);
  return error ?? status;
}

const refusal = { code: 'tls', phase: 'connecting', retryable: true };

describe.each([undefined, '0'])('TLS to the upstream, with NODE_TLS_REJECT_UNAUTHORIZED=%s', (setting) => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  afterEach(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  const check = async (options: ServerOptions, settings: TlsOptions, host?: string): Promise<unknown> => {
    if (setting !== undefined) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = setting;
    return outcome(options, settings, host);
  };

  it('trusts the private CA it was given, by name and by address', async () => {
    expect(await check(good, { ca: authority.cert })).toBe(200);
    expect(await check(good, { ca: [otherAuthority.cert, Buffer.from(authority.cert)] }, 'localhost')).toBe(200);
  });

  it('refuses a certificate of an unknown CA (no byte of the request is sent)', async () => {
    expect(await check(good, {})).toMatchObject(refusal);
  });

  it('refuses a certificate after its CA was changed', async () => {
    expect(await check(good, { ca: otherAuthority.cert })).toMatchObject(refusal);
  });

  it('refuses an expired certificate', async () => {
    const expired = authority.issue({ names: ['127.0.0.1'], notBefore: new Date('2001-01-01'), notAfter: new Date('2002-01-01') });
    expect(await check(expired, { ca: authority.cert })).toMatchObject(refusal);
  });

  it('refuses a certificate that is not valid yet', async () => {
    const early = authority.issue({ names: ['127.0.0.1'], notBefore: new Date(Date.now() + 3_600_000) });
    expect(await check(early, { ca: authority.cert })).toMatchObject(refusal);
  });

  it('refuses a certificate for another host', async () => {
    expect(await check(authority.issue({ names: ['elsewhere.example'] }), { ca: authority.cert })).toMatchObject(refusal);
  });

  it('refuses a self-signed certificate', async () => {
    const { cert, key } = createAuthority('127.0.0.1');
    expect(await check({ cert, key }, { ca: authority.cert })).toMatchObject(refusal);
  });

  it('refuses TLS 1.1, even where the whole process was loosened', async () => {
    const { DEFAULT_CIPHERS, DEFAULT_MIN_VERSION } = tls;
    onTestFinished(() => { Object.assign(tls, { DEFAULT_CIPHERS, DEFAULT_MIN_VERSION }); });
    Object.assign(tls, { DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0', DEFAULT_MIN_VERSION: 'TLSv1' });
    expect(await check({ ...good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, { ca: authority.cert })).toMatchObject(refusal);
  });

  it('refuses TLS 1.2 when 1.3 is the least', async () => {
    expect(await check({ ...good, maxVersion: 'TLSv1.2' }, { ca: authority.cert, minVersion: 'TLSv1.3' })).toMatchObject(refusal);
    expect(await check({ ...good, maxVersion: 'TLSv1.2' }, { ca: authority.cert })).toBe(200);
  });

  it('verifies the fixed server name, where one is given', async () => {
    const named = authority.issue({ names: ['api.example'] });
    expect(await check(named, { ca: authority.cert, servername: 'api.example' })).toBe(200);
    expect(await check(named, { ca: authority.cert, servername: 'other.example' })).toMatchObject(refusal);
  });

  it('presents its client certificate, and is refused without one', async () => {
    const mutual: ServerOptions = { ...good, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    const own = authority.issue({ names: ['client'] });
    expect(await check(mutual, { ca: authority.cert, ...own })).toBe(200);
    expect(await check(mutual, { ca: authority.cert })).not.toBe(200);
  });
});

describe('TLS connections of one client', () => {
  it('resume the session of an earlier one', async () => {
    await using upstream = await startTlsUpstream({ ...good, maxVersion: 'TLSv1.2' });
    await using client = createUpstreamClient({ origin: upstream.origin, tls: { ca: authority.cert }, pool: { maxKeepAliveConnections: 0 } });
    const reused: unknown[] = [];
    client.on('connected', ({ tlsSessionReused }) => { reused.push(tlsSessionReused); });
    for (let round = 0; round < 3; round += 1) {
      await dispatchRequest(client).result;
      while (client.stats().open > 0) await new Promise(setImmediate);
    }
    expect(reused).toEqual([false, true, true]);
  });

  it('offer HTTP/1.1 only, and HTTP/2 only when it is allowed', async () => {
    const offered: unknown[] = [];
    const server = createServer({ ...good, ALPNCallback: ({ protocols }) => { offered.push(protocols); return 'http/1.1'; } });
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(wholeResponse(200, [], 'ok'));
    }, { server });
    for (const allowH2 of [false, true]) {
      await using client = createUpstreamClient({ origin: upstream.origin, tls: { ca: authority.cert }, allowH2 });
      expect((await dispatchRequest(client).result).status).toBe(200);
    }
    expect(offered).toEqual([['http/1.1'], ['http/1.1', 'h2']]);
  });

  it('keep their server name when a host header comes along (no domain fronting)', async () => {
    const server = createServer(good);
    const names: unknown[] = [];
    server.on('secureConnection', (socket: TLSSocket) => { names.push(socket.servername); });
    await using upstream = await startScriptedUpstream(async (connection) => {
      while (connection.end() === 'open') {
        if (!(await connection.nextRequest(60_000)).complete) return;
        connection.send(wholeResponse(200, [], 'ok'));
      }
    }, { server });
    await using client = createUpstreamClient({ origin: `https://localhost:${upstream.port}`, tls: { ca: authority.cert } });
    expect((await dispatchRequest(client).result).status).toBe(200);
    expect((await dispatchRequest(client, { headers: ['host', `localhost:${upstream.port}`] }).result).status).toBe(200);
    expect((await dispatchRequest(client, { headers: ['host', 'elsewhere.example'] }).result).error).toMatchObject({ code: 'origin_mismatch' });
    expect(names).toEqual(['localhost']);
  });

  it('ends in unreachable, not tls, when the port speaks no TLS at all but hangs up', async () => {
    await using upstream = await startScriptedUpstream((connection) => { connection.close(); });
    await using client = createUpstreamClient({ origin: `https://127.0.0.1:${upstream.port}` });
    expect((await dispatchRequest(client).result).error).toMatchObject({ code: 'unreachable' });
  });
});

