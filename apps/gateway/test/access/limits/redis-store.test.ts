import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect, it } from 'vitest';
import { createRedisStore } from '../../../src/access/limits/redis-store.ts';
import { HAS_OPENSSL, makeCertificate } from '../../faults/test-certificate.ts';

const OPTIONS = { keyPrefix: 'penstock:native', windowSeconds: 60, commandTimeoutMs: 2_000, leaseTtlMs: 30_000 };

it('cuts a connection that brings no replies but garbage, and tries another (nothing is gathered for each piece of it)', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => { warnings.push(warning); };
  process.on('warning', onWarning);
  const pieces: number[] = [];
  const cut = Promise.withResolvers<void>();
  // It goes on although the other side was closed: only a cut connection ends it.
  const garbage = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let sent = 0;
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const timer = setInterval(() => socket.write('9'.repeat(1_000), () => { sent += 1; }), 2);
      socket.once('close', () => {
        clearInterval(timer);
        if (pieces.push(sent) === 2) cut.resolve();
      });
    });
  });
  garbage.listen(0, '127.0.0.1');
  await once(garbage, 'listening');
  const store = createRedisStore({ ...OPTIONS, url: `redis://127.0.0.1:${(garbage.address() as AddressInfo).port}` });
  await cut.promise;
  store.close();
  garbage.close();
  await once(garbage, 'close');
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
  // Two or three, where the cut is met by what is on the way.
  expect(Math.max(...pieces)).toBeLessThan(50);
});

it.skipIf(!HAS_OPENSSL).each(['rediss', 'REDISS'])('Redis over TLS: sends a %s server nothing before its certificate is verified, whatever the value of NODE_TLS_REJECT_UNAUTHORIZED', async (scheme) => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  const received: string[] = [];
  const server = createTlsServer(makeCertificate('IP:127.0.0.1'), (socket) => socket.on('error', () => undefined).on('data', (chunk) => received.push(chunk.toString())));
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const refused = once(server, 'connection');
  const store = createRedisStore({ ...OPTIONS, url: `${scheme}://:the-password@127.0.0.1:${(server.address() as AddressInfo).port}` });
  await refused;
  expect(await store.ready()).toBe(false);
  expect(received).toEqual([]);
  store.close();
  server.close();
  if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
});
