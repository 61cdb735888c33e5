import { expect, test } from 'vitest';
import { openSqliteDatabase, type SqlDatabase } from '../src/index.ts';
import { startTestGateway } from './support/start-test-gateway.ts';

test('health: shows a provider that is down at the start, since when, and that it is back, without a sign-in', async () => {
  await using stack = new AsyncDisposableStack();
  let isDown = true;
  let asked = 0;
  const before = Date.now();
  const gateway = await startTestGateway(stack, {
    limits: { providerProbeMs: 20 },
    intercept: (_request, response) => {
      asked += 1;
      if (isDown) response.writeHead(500).end();
      return isDown;
    },
  });
  await expect.poll(() => gateway.gateway.health()).toEqual({ provider: false, store: true, providerFailingSince: expect.any(Number) as number });
  const { providerFailingSince: since = 0 } = gateway.gateway.health();
  expect(since).toBeGreaterThanOrEqual(before);
  const askedBefore = asked;
  await expect.poll(() => asked).toBeGreaterThan(askedBefore + 1);
  // Later failures do not move the beginning.
  expect(gateway.gateway.health().providerFailingSince).toBe(since);
  isDown = false;
  await expect.poll(() => gateway.gateway.health()).toEqual({ provider: true, store: true });
});

test('health: shows a store that fails, and that it is back, without a request', async () => {
  await using stack = new AsyncDisposableStack();
  const sqlite = openSqliteDatabase(':memory:');
  let isDown = false;
  const database: SqlDatabase = { run: (statements) => (isDown ? Promise.reject(new Error('down')) : sqlite.run(statements)), close: () => sqlite.close() };
  const gateway = await startTestGateway(stack, { database, limits: { revocationPollMs: 20 } });
  isDown = true;
  await expect.poll(() => gateway.gateway.health().store).toBe(false);
  isDown = false;
  await expect.poll(() => gateway.gateway.health().store).toBe(true);
});
