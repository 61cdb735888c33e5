import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { openRawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { startTestGateway } from '../../start-test-gateway.ts';

test('a client that leaves while the store of its limits is asked gives its place back at once (not when its body is half a minute late)', async () => {
  const connections = new Set<Socket>();
  const silentStore = createServer((socket) => { connections.add(socket); });
  silentStore.listen(0, '127.0.0.1');
  await once(silentStore, 'listening');
  await using gateway = await startTestGateway('http://127.0.0.1:9', {
    limits: { store: `redis://127.0.0.1:${(silentStore.address() as AddressInfo).port}` },
    clients: [{ name: 'alice', key_sha256: hashClientKey('the-key'), limits: { concurrent_requests: 1 } }],
  });
  const client = await openRawConnection(gateway.port);
  client.send('POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: the-key\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"a"');
  await expect.poll(() => gateway.sum('penstock_requests_in_flight{side="native"}')).toBe(1);
  client.close();
  expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'client_gone', status: 499, client: 'alice' }]);
  for (const socket of connections) socket.destroy();
  silentStore.close();
});
