import { describe, expect, test } from 'vitest';
import { openStream, startHeldUpstream } from '../../process/open-streams.ts';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { runPenstock } from '../../run-penstock.ts';

/** Every clock that the process does not wait for, in seconds: that of an idle connection of either side, and the drain's. */
const CLOCK = 600;
/** Far more than it takes, on a busy machine as well, and a fifth of those clocks. */
const EXIT_MS = 120_000;
const STREAMS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 300 : 1_000;

describe.each([1, 2])('with %i worker(s)', (workers) => {
  test(`SIGTERM under ${STREAMS} open streams breaks none, readiness is 503 while all of them are open, and the process ends after the last without waiting for a clock`, async () => {
    await using upstream = await startHeldUpstream();
    await using penstock = await runPenstock({
      document: {
        server: { workers, drain_timeout: CLOCK, keep_alive_timeout: CLOCK },
        anthropic_native: { base_url: upstream.origin, pool: { max_connections: workers * STREAMS + 100, max_keepalive_connections: workers * STREAMS + 100, keepalive_expiry: CLOCK } },
      },
      flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
    });
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => openStream(penstock.port)));
    // One scrape first, so that the connection for the question is warm.
    await fetch(`${penstock.operations}/readyz`);
    const signalledAt = performance.now();
    penstock.child.kill('SIGTERM');
    while ((await fetch(`${penstock.operations}/readyz`)).status !== 503) await new Promise(setImmediate);
    const readinessMs = performance.now() - signalledAt;
    const text = await (await fetch(`${penstock.operations}/metrics`)).text();
    expect(sumOf(text, 'penstock_streams_open', { side: 'native' })).toBe(STREAMS);
    upstream.finish();
    const responses = await Promise.all(streams.map((stream) => stream.readMessage({ kind: 'response' }, 60_000)));
    const lastAt = performance.now();
    expect(responses.filter(({ complete, body }) => complete && body.includes('message_stop')).length).toBe(STREAMS);
    expect(await penstock.exited).toBe(0);
    const exitMs = performance.now() - lastAt;
    console.log(`${workers} worker(s), ${STREAMS} streams: readiness 503 after ${readinessMs.toFixed(0)} ms, exit ${exitMs.toFixed(0)} ms after the last stream`);
    expect(exitMs).toBeLessThan(EXIT_MS);
  });
});

test('a reload under 200 open streams touches none', async () => {
  await using upstream = await startHeldUpstream();
  const document = { anthropic_native: { base_url: upstream.origin, pool: { max_connections: 250 } } };
  await using penstock = await runPenstock({ document, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' } });
  const streams = await Promise.all(Array.from({ length: 200 }, () => openStream(penstock.port)));
  for (const size of [5, 250, 20]) {
    penstock.configure({ ...document, anthropic_native: { ...document.anthropic_native, pool: { max_connections: size } }, log: { level: 'warn' } });
    penstock.child.kill('SIGHUP');
    await expect.poll(async () => (await (await fetch(`${penstock.operations}/metrics`)).text()).includes(`penstock_upstream_pool_max_connections{upstream="native",origin="${upstream.origin}"} ${size}\n`)).toBe(true);
  }
  upstream.finish();
  const responses = await Promise.all(streams.map((stream) => stream.readMessage({ kind: 'response' }, 60_000)));
  expect(responses.filter(({ complete, body }) => complete && body.includes('message_stop')).length).toBe(200);
});
