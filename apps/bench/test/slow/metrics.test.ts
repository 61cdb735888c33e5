import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import type { Contender } from '../../src/contenders/contender.ts';

/** As the benchmark runs: from the built files. */
const BUILT = new URL('../../dist/', import.meta.url);
const { penstock } = await import(new URL('contenders/own-contenders.js', BUILT).href) as typeof import('../../src/contenders/own-contenders.ts');
const { withoutMetrics } = await import(new URL('metrics/metrics-scenario.js', BUILT).href) as typeof import('../../src/metrics/metrics-scenario.ts');

const ANSWER = '{"type":"message","model":"m","usage":{"input_tokens":1,"output_tokens":1}}';

/** Sends three requests through a contender; returns its metrics page afterwards. */
async function metricsAfterRequests(contender: Contender): Promise<string> {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], ANSWER)));
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'));
  const running = await contender.start({ upstreamOrigin: upstream.origin, upstreamPort: upstream.port, folder, core: 0, nodeFlags: [] });
  try {
    for (let sent = 0; sent < 3; sent += 1) {
      const response = await fetch(`http://127.0.0.1:${running.port}/anthropic/v1/messages`, { method: 'POST', body: '{"model":"m","max_tokens":1,"messages":[]}', headers: { 'content-type': 'application/json' } });
      expect(await response.text()).toBe(ANSWER);
    }
    const { operations } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { readonly operations: { readonly port: number } };
    return await (await fetch(`http://127.0.0.1:${operations.port}/metrics`)).text();
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The series of a page that are counts of this gateway and are above 0. */
const counted = (page: string): readonly string[] => page.split('\n').filter((line) => /^penstock_\w+_(?:total|count|bucket|sum)\b/.test(line) && !line.endsWith(' 0'));

test.skipIf(!existsSync('/proc/self/schedstat'))('the gateway that metrics are compared with serves requests and records nothing, the other one counts them (skipped without /proc)', async () => {
  const silent = await metricsAfterRequests(withoutMetrics('silent'));
  expect(silent).toContain('penstock_request_outcomes_total{side="native",outcome="ok",fault="none"} 0\n');
  expect(counted(silent)).toEqual([]);
  expect(silent).not.toContain('nodejs_eventloop_lag');
  const real = await metricsAfterRequests(penstock('real', 1));
  expect(real).toContain('penstock_request_outcomes_total{side="native",outcome="ok",fault="none"} 3\n');
  expect(real).toContain('nodejs_eventloop_lag');
});
