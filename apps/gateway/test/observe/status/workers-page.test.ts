// With several workers the page is the whole gateway's: run as processes, since a worker's part crosses the process channel.
import { openRawConnection } from '@penstock/test-support';
import { expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../../src/observe/status/status.ts';
import { openStream, startHeldUpstream } from '../../process/open-streams.ts';
import { runPenstock } from '../../run-penstock.ts';

test('two workers: open requests, pools, clients and the verdict are added up, and pages run through both', async () => {
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: { server: { workers: 2, pre_stop_delay: 0 }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: 8 } } }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const read = async (query = ''): Promise<Status> => await (await fetch(`${penstock.operations}/status.json${query}`)).json() as Status;
  expect((await read()).gateway).toMatchObject({ state: 'running', workers: 2 });
  const streams = await Promise.all(Array.from({ length: 6 }, () => openStream(penstock.port)));
  onTestFinished(() => { for (const stream of streams) stream.close(); });
  await expect.poll(async () => (await read()).open.total).toBe(6);
  const { upstreams, open } = await read();
  expect(upstreams.find(({ name }) => name === 'native')).toMatchObject({ max_connections: 8, active: 6, clients: [{ client: 'anonymous', held: 6 }] });
  expect(open.requests.map(({ started_at: at }) => Date.parse(at))).toEqual(open.requests.map(({ started_at: at }) => Date.parse(at)).toSorted((one, other) => one - other));
  const ids = new Set<string>();
  for (let query: string | undefined = '?limit=2'; query !== undefined;) {
    const page: Status = await read(query);
    for (const { id } of page.open.requests) ids.add(id);
    query = page.open.next === null ? undefined : `?limit=2&after=${encodeURIComponent(page.open.next)}`;
  }
  expect(ids.size).toBe(6);
  // The page and its events have the same source.
  const page = await (await fetch(`${penstock.operations}/`)).text();
  expect(page.match(/<span class="phase relay">/g)).toHaveLength(6);
  expect(page).toContain('2 workers');
  const events = await openRawConnection(penstock.operationsPort);
  events.send('GET /status.events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await events.waitFor((bytes) => bytes.includes('6 of 8 connections held'));
  // A shutdown is the whole gateway's, too, and the page stays to its end.
  penstock.child.kill('SIGTERM');
  await expect.poll(async () => (await read()).verdict).toMatchObject({ cause: 'draining', text: expect.stringContaining('6 responses are open') as unknown });
  upstream.finish();
  expect(await penstock.exited).toBe(0);
});
