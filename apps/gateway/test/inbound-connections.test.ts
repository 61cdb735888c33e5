import { openRawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { startTestGateway } from './start-test-gateway.ts';

test('a connection that finds no room is counted, and the log says so once (its client sees nothing but an end)', async () => {
  await using gateway = await startTestGateway('http://127.0.0.1:9', { server: { max_connections: 2 } });
  const held = await Promise.all([openRawConnection(gateway.port), openRawConnection(gateway.port)]);
  for (let count = 1; count <= 3; count += 1) {
    const refused = await openRawConnection(gateway.port);
    await refused.closed();
    expect(await gateway.series('penstock_inbound_connections_refused_total')).toBe(count);
  }
  expect(gateway.logged.filter(({ max_connections: limit }) => limit === 2)).toMatchObject([{ level: 40, msg: 'connections are closed at once: server.max_connections are open' }]);
  for (const connection of held) connection.close();
});
