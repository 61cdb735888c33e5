import { readdirSync, readFileSync } from 'node:fs';
import { startSimulator } from '@penstock/anthropic-simulator';
import { Agent, request } from 'undici';
import { expect, it } from 'vitest';
import { spawnGateway, type SpawnedGateway } from './spawn-gateway.ts';

/** Many short rounds: what disturbs the machine for a second hits both sides alike, and the median leaves it out. */
const ROUNDS = 61;
const REQUESTS_A_ROUND = 50;
/** The price of a process that runs, not of one whose code is still being compiled. */
const WARM_UP_ROUNDS = 60;
const LANES = 8;
const BODY = '{"model":"sim-text","max_tokens":8,"messages":[{"role":"user","content":"Say hello."}]}';

/** The CPU time that all threads of a process have used, in nanoseconds (the first field of schedstat). */
function cpuNanoseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]), 0);
}

async function sendRound({ anthropic, process }: SpawnedGateway, dispatcher: Agent): Promise<number> {
  const pid = process.pid ?? 0;
  const before = cpuNanoseconds(pid);
  let left = REQUESTS_A_ROUND;
  await Promise.all(Array.from({ length: LANES }, async () => {
    while (left > 0) {
      left -= 1;
      const { statusCode, body } = await request(`${anthropic}/v1/messages`, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json' }, dispatcher });
      await body.dump();
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    }
  }));
  return (cpuNanoseconds(pid) - before) / REQUESTS_A_ROUND;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

it.skipIf(process.platform !== 'linux')('metrics cost at most 8 % of the CPU time of a request (skipped where there is no /proc)', async () => {
  await using simulator = await startSimulator();
  const document = { anthropic_native: { base_url: simulator.origin, api_key: 'simulated' } };
  await using real = await spawnGateway(document);
  await using silent = await spawnGateway(document, ['--import', new URL('no-op-metrics.ts', import.meta.url).href]);
  const dispatcher = new Agent({ connections: LANES });
  const ratios: number[] = [];
  const silentCosts: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    // The order alternates, so that neither always runs on a warmer machine.
    const order = round % 2 === 0 ? [real, silent] : [silent, real];
    const costs = new Map<SpawnedGateway, number>();
    for (const gateway of order) costs.set(gateway, await sendRound(gateway, dispatcher));
    silentCosts.push(costs.get(silent) ?? 0);
    if (round >= 0) ratios.push((costs.get(real) ?? 0) / (costs.get(silent) ?? 0));
  }
  await dispatcher.close();
  console.log(`metrics cost ${((median(ratios) - 1) * 100).toFixed(1)} % of the CPU time of a request (${Math.round(median(silentCosts) / 1_000)} µs without; median of ${ROUNDS} interleaved rounds)`);
  expect(median(ratios)).toBeLessThanOrEqual(1.08);
  const text = await (await fetch(`http://127.0.0.1:${silent.operationsPort}/metrics`)).text();
  expect(text, 'the comparison records nothing').toContain('penstock_request_outcomes_total{side="native",outcome="ok",fault="none"} 0\n');
  expect(text).not.toContain('nodejs_eventloop_lag');
});
