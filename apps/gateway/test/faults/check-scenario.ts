import { OUTCOMES } from '../../src/request/request-record.ts';
import { sumOf } from '../observe/metrics/exposition.ts';
import { askAndRead, BOB, pause } from './fault-requests.ts';
import type { FaultScenario } from './fault-scenario.ts';
import type { FaultWorld } from './fault-world.ts';

const SETTLE_LIMIT_MS = 45_000;
const IDLE_GAUGES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['penstock_upstream_pool_connections', { state: 'active' }],
  ['penstock_upstream_pool_connections', { state: 'connecting' }],
  ['penstock_upstream_pool_waiting', {}],
  ['penstock_requests_in_flight', {}],
  ['penstock_streams_open', {}],
  ['penstock_buffered_bytes', {}],
];

/** Runs one scenario and everything that must hold after it. Returns what does not. */
export async function checkScenario(world: FaultWorld, { outcomes, result, run, recover }: FaultScenario): Promise<string[]> {
  const problems: string[] = [];
  const before = await countOutcomes(world);
  const seen = await run(world).catch((error: unknown) => `an error of the test: ${error instanceof Error ? error.message : String(error)}`);
  if (!result.split('|').includes(seen)) problems.push(`the client saw "${seen}", expected "${result}"`);
  const expected = outcomes.map((list) => list.toSorted().join(' '));
  const wrong = await until(async () => {
    const counted = await countedSince(world, before);
    return expected.includes(counted) ? undefined : counted;
  });
  if (wrong !== undefined) problems.push(`counted "${wrong}", expected "${expected.join('" or "')}"`);
  await recover?.(world);
  problems.push(...await heldAtLast(world), ...await checkNext(world));
  await heldAtLast(world);
  return problems;
}

/** Alice may have one request open: her next one shows that her place came back; Bob's that the pool did. */
async function checkNext(world: FaultWorld): Promise<string[]> {
  const problems: string[] = [];
  for (const client of [{}, { key: BOB }]) {
    const next = await askAndRead(world.port, { method: 'GET', path: '/anthropic/v1/models', ...client });
    if (!world.next.split('|').includes(next)) problems.push(`the next request came to "${next}", expected "${world.next}"`);
  }
  return problems;
}

async function countOutcomes({ gateway }: FaultWorld): Promise<Map<string, number>> {
  const text = await gateway.metrics.registry.metrics();
  return new Map(OUTCOMES.map((outcome) => [outcome, sumOf(text, 'penstock_request_outcomes_total', { side: 'native', outcome }) ?? 0]));
}

/** The outcomes that were counted since `before`, sorted, one word each. */
async function countedSince(world: FaultWorld, before: ReadonlyMap<string, number>): Promise<string> {
  const now = await countOutcomes(world);
  return [...now].flatMap(([outcome, count]) => Array.from({ length: count - (before.get(outcome) ?? 0) }, () => outcome)).toSorted().join(' ');
}

/** What is still held although nothing runs, after some patience. */
async function heldAtLast({ gateway }: FaultWorld): Promise<string[]> {
  return await until(async () => {
    const text = await gateway.metrics.registry.metrics();
    const held = IDLE_GAUGES.flatMap(([name, labels]) => {
      const value = sumOf(text, name, labels) ?? 0;
      return value === 0 ? [] : [`${name} ${JSON.stringify(labels)} is ${value}`];
    });
    return held.length === 0 ? undefined : held;
  }) ?? [];
}

/** Asks until the answer is `undefined` or the time is over; returns the last answer. */
async function until<Problem>(question: () => Promise<Problem | undefined>): Promise<Problem | undefined> {
  const deadline = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const problem = await question();
    if (problem === undefined || performance.now() > deadline) return problem;
    await pause(15);
  }
}
