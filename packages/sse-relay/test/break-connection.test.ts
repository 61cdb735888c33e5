import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect as connectPath } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createAuthority } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { breakConnection } from '../src/relay/break-connection.ts';

const authority = createAuthority('Test Authority');

it('over TLS a response that only the end of its connection delimits is cut (TLS has no reset of its own, and asking for one throws)', async () => {
  const server = createServer(authority.issue({ names: ['localhost'] }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
  client.write('GET / HTTP/1.0\r\n\r\n');
  const [, response] = await once(server, 'request') as [unknown, ServerResponse];
  response.write('half');
  const [head] = await once(client, 'data') as [Buffer];
  expect(head.toString()).not.toMatch(/transfer-encoding|content-length/i);
  breakConnection(response, true);
  await once(client, 'close');
  expect([response.destroyed, response.writableFinished]).toEqual([true, false]);
  server.close();
});

it('over a Unix socket a response that only the end of its connection delimits is ended (it has no reset, and asking for one throws)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-'));
  const server = createHttpServer().listen(join(folder, 'socket'));
  await once(server, 'listening');
  const client = connectPath(join(folder, 'socket'));
  client.write('GET / HTTP/1.0\r\n\r\n');
  const [, response] = await once(server, 'request') as [unknown, ServerResponse];
  response.write('half');
  await once(client, 'data');
  breakConnection(response, true);
  await once(client, 'close');
  expect([response.destroyed, response.writableFinished]).toEqual([true, false]);
  server.close();
  await rm(folder, { recursive: true });
});
