import { expect, test } from 'vitest';
import { mergeHealth, type HealthPart } from '../../src/native/health-part.ts';
import { runPenstock } from '../run-penstock.ts';
import { openStream, startHeldUpstream } from './open-streams.ts';

function part(changes: Partial<HealthPart>, active = 0): HealthPart {
  const pool = { max_connections: 10, max_keepalive_connections: 5, max_waiting: 50, open: active, active, idle: 0, connecting: 0, waiting: 0, long_lived: 0, max_long_lived: 2 };
  return { pool, answeredAt: 0, failedAt: 0, isFailing: false, ...changes };
}

test('the health of several workers: pools add up, and the latest that any of them saw decides', () => {
  const own = part({ answeredAt: 1_000 }, 3);
  expect(mergeHealth(own, [])).toEqual(own);
  expect(mergeHealth(own, [part({ failedAt: 2_000, isFailing: true }, 4)])).toMatchObject({ pool: { max_connections: 20, active: 7 }, answeredAt: 1_000, failedAt: 2_000, isFailing: true });
  expect(mergeHealth(own, [part({ failedAt: 500, isFailing: true })])).toMatchObject({ isFailing: false });
});

test('/anthropic/health of two workers is the whole gateway\'s, whichever of them answers', async () => {
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: { server: { workers: 2 }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: 20 } } }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const streams = await Promise.all(Array.from({ length: 6 }, () => openStream(penstock.port)));
  // Each connection may be the other worker's.
  const read = async (): Promise<unknown[]> => Promise.all(Array.from({ length: 4 }, async () => {
    const { upstream: pool } = await (await fetch(`${penstock.origin}/anthropic/health`, { headers: { connection: 'close' } })).json() as { upstream: { max_connections: number; active: number } };
    return [pool.max_connections, pool.active];
  }));
  await expect.poll(read, { timeout: 30_000, interval: 250 }).toEqual(Array.from({ length: 4 }, () => [20, 6]));
  for (const stream of streams) stream.close();
});
