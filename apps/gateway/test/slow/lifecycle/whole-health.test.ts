import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { runPenstock } from '../../run-penstock.ts';
import { openStream, startHeldUpstream } from '../../process/open-streams.ts';

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

test.each([1, 2])('/readyz of %i worker(s) names an upstream that cannot be reached, and a pool that one client holds; the status stays ready', async (workers) => {
  await using upstream = await startHeldUpstream();
  const key = (name: string): string => `key-of-${name}`;
  await using penstock = await runPenstock({
    document: {
      server: { workers }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: 2, max_keepalive_connections: 2 } },
      clients: ['alice', 'mallory'].map((name) => ({ name, key_sha256: hashClientKey(key(name)) })),
      openai_front_door: { backends: [{ name: 'local', kind: 'openai', base_url: 'http://127.0.0.1:9/v1', api_key: 'k' }] },
    },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const answer = await fetch(`${penstock.origin}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: `Bearer ${key('alice')}`, 'content-type': 'application/json' }, body: '{"model":"m","messages":[{"role":"user","content":"x"}]}',
  });
  expect(answer.status).toBe(502);
  // A worker has its part of the pool, and each connection goes to one of them.
  const open: RawConnection[] = [];
  const readWarnings = async (): Promise<unknown> => {
    if (open.length < 40) open.push(await openStream(penstock.port, key('mallory'), 500).catch(() => openRawConnection(penstock.port)));
    const { status, warnings } = await (await fetch(`${penstock.operations}/readyz`)).json() as { status: string; warnings: Record<string, string> };
    return [status, warnings['front_door_local_upstream']?.split(' since ')[0], warnings['native_pool']?.split(' (')[0]];
  };
  await expect.poll(readWarnings, { timeout: 30_000 }).toEqual(['ready', 'backend_unreachable: front_door_local cannot be reached', 'pool_held_by_one_client: mallory holds the pool']);
  for (const connection of open) connection.close();
});
