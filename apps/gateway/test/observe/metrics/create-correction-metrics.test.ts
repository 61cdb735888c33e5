import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { BatchRecord } from '../../../src/ledger/batches/batch-record.ts';
import { createCorrectionMetrics } from '../../../src/observe/metrics/create-correction-metrics.ts';
import { samplesOf } from './exposition.ts';

const RECORD: BatchRecord = { id: 'b', requests: 2, each: { nanoDollars: 5n, input: 1, output: 1 }, principal: 'client:alice', kind: 'client', email: undefined, model: 'm', scopes: [], day: 1, madeAt: 1 };
const NAME = 'penstock_cost_corrections_dollars_total';
const line = (upstream: string, client: string, kind: string, dollars: string): string => `${NAME}{side="native",upstream="${upstream}",model="other",client="${client}",kind="${kind}"} ${dollars}`;

test('corrections: are counted for the caller of the batch where the configuration names it, else for other', async () => {
  const registry = new Registry();
  const metrics = createCorrectionMetrics(registry);
  metrics.zero(['anonymous', 'alice'], 'native');
  expect(samplesOf(await registry.metrics())).toEqual(['anonymous', 'alice'].flatMap((client) => ['estimate', 'result'].map((kind) => line('native', client, kind, '0'))));
  metrics.count({ record: { ...RECORD, client: 'alice', upstream: 'native' }, estimate: 3_000_000_000n, cost: 1_000_000_001n });
  metrics.count({ record: { ...RECORD, client: 'removed', upstream: 'native' }, estimate: 1n, cost: 0n });
  // A batch of an earlier version has no labels.
  metrics.count({ record: RECORD, estimate: 0n, cost: 500_000_000n });
  expect(samplesOf(await registry.metrics())).toEqual(expect.arrayContaining([
    line('native', 'alice', 'estimate', '3'), line('native', 'alice', 'result', '1.000000001'), line('native', 'other', 'estimate', '1e-9'), line('other', 'other', 'result', '0.5'),
  ]));
});

test('corrections: have at most 5,000 series before they are needed', async () => {
  const registry = new Registry();
  createCorrectionMetrics(registry).zero(Array.from({ length: 3_000 }, (_, index) => `c${index}`), 'native');
  expect(samplesOf(await registry.metrics())).toHaveLength(5_000);
});
