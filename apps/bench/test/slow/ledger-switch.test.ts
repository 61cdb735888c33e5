import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';

/** As the benchmark runs: from the built files. */
const BUILT = new URL('../../dist/', import.meta.url);
const { withSwitch } = await import(new URL('ledger/ledger-scenario.js', BUILT).href) as typeof import('../../src/ledger/ledger-scenario.ts');

const ANSWER = '{"type":"message","model":"claude-sonnet-4-5","usage":{"input_tokens":1,"output_tokens":1}}';
const BUDGETS = [{ scope: { client: true }, share: 'each', period: 'monthly', amount_cents: 1_000 }];
/** A signal is delivered when the process has its turn. */
const PATIENT = { timeout: 30_000 } as const;
const SPENT_FIELD = 'anthropic-ratelimit-unified-status';

test.skipIf(!existsSync('/proc/self/schedstat'))('a gateway with the switch has neither ledger nor budgets while it is off, and both again afterwards (skipped without /proc)', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], ANSWER)));
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'));
  const running = await withSwitch('switched', BUDGETS).start({ upstreamOrigin: upstream.origin, upstreamPort: upstream.port, folder, core: 0, nodeFlags: [] });
  const { operations } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { readonly operations: { readonly port: number } };
  const hasBudget = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${running.port}/anthropic/v1/messages`, { method: 'POST', body: '{"model":"m","max_tokens":1,"messages":[]}', headers: { 'content-type': 'application/json' } });
    expect(await response.text()).toBe(ANSWER);
    return response.headers.has(SPENT_FIELD);
  };
  try {
    expect(await hasBudget()).toBe(true);
    process.kill(running.pid ?? 0, 'SIGWINCH');
    await expect.poll(hasBudget, PATIENT).toBe(false);
    process.kill(running.pid ?? 0, 'SIGWINCH');
    await expect.poll(hasBudget, PATIENT).toBe(true);
    const page = await (await fetch(`http://127.0.0.1:${operations.port}/metrics`)).text();
    expect(page).toContain('penstock_ledger_pending_requests');
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
