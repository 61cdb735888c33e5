import { FAILOVER_REASONS } from '@penstock/upstream-group';
import { readFileSync } from 'node:fs';
import { AUDIT_EVENTS } from '@penstock/claude-code-gateway';
import { DROP_REASONS } from '@penstock/header-policy';
import { CONNECT_FAILURE_REASONS, createUpstreamClient, DISCONNECT_REASONS, REJECTION_REASONS } from '@penstock/upstream-client';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { describe, expect, it } from 'vitest';
import { CLIENT_LIMIT_NAMES } from '../../../src/config/sections/clients-section.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { createCorrectionMetrics } from '../../../src/observe/metrics/create-correction-metrics.ts';
import { createFailoverMetrics } from '../../../src/observe/metrics/create-failover-metrics.ts';
import { createLedgerMetrics } from '../../../src/observe/metrics/create-ledger-metrics.ts';
import { createAdministrationObserver } from '../../../src/access/admin/observe-administration.ts';
import { createSignInMetrics } from '../../../src/observe/metrics/create-sign-in-metrics.ts';
import { createWorkerMetrics } from '../../../src/observe/metrics/create-worker-metrics.ts';
import { GAUGE_MERGES, mergeOfGauge } from '../../../src/observe/metrics/gauges.ts';
import { declareUpstreamTimes } from '../../../src/observe/metrics/upstream-times.ts';
import { describeUpstream } from '../../../src/observe/upstreams/upstream-snapshot.ts';
import { createUpstreamState } from '../../../src/observe/upstreams/upstream-state.ts';
import { OUTCOME_FAULTS } from '../../../src/request/request-record.ts';
import { declaredMetrics } from './exposition.ts';
import { createTestMetrics, STREAMED_MESSAGE } from './request-records.ts';

const PAGE = readFileSync(new URL('../../../../../docs/metrics.md', import.meta.url), 'utf8');

/** The rows of the page's tables of series: name, type, labels. */
function documentedSeries(): Map<string, { readonly type: string; readonly labels: readonly string[] }> {
  const rows = PAGE.matchAll(/^\| `(penstock_\w+)` \| (\w+) \|([^|]*)\|/gm);
  return new Map(Array.from(rows, ([, name = '', type = '', labels = '']) => [name, { type, labels: Array.from(labels.matchAll(/`(\w+)`/g), ([, label = '']) => label) }]));
}

/** Every series of a gateway in which everything has happened once. */
async function exposeEverything(): Promise<string> {
  const metrics = createTestMetrics({ readBudgets: () => ({ native: { usedBytes: 0, maxBytes: 1 } }) });
  await using client = createUpstreamClient({ origin: 'http://127.0.0.1:9' });
  registerUpstreamMetrics({ registry: metrics.registry, clients: { native: client } });
  createSignInMetrics(metrics.registry, AUDIT_EVENTS);
  createAdministrationObserver({ registry: metrics.registry, logger: undefined, auditLog: { write: () => undefined } });
  createLedgerMetrics(metrics.registry, createLedger({ now: () => 0 }));
  createCorrectionMetrics(metrics.registry).zero(['alice'], 'native');
  createFailoverMetrics(metrics.registry, FAILOVER_REASONS).setUpstreams(['a', 'b']);
  declareUpstreamTimes(metrics.registry, () => [describeUpstream('native', client.stats(), createUpstreamState({ kind: 'upstream', ownsCredential: () => true }).times())]);
  metrics.recordRequest(STREAMED_MESSAGE);
  metrics.quotaSeen([
    'anthropic-ratelimit-requests-limit', '1', 'anthropic-ratelimit-requests-remaining', '1', 'anthropic-ratelimit-requests-reset', '2026-01-01T00:00:00Z',
    'anthropic-ratelimit-unified-5h-utilization', '1', 'anthropic-ratelimit-unified-5h-status', 'allowed', 'anthropic-ratelimit-unified-5h-reset', '1',
  ]);
  const workers = createWorkerMetrics();
  workers.add({ id: 1, scrape: () => metrics.registry.metrics() });
  return (await workers.scrape()).text;
}

describe('the page of metrics', () => {
  it('lists exactly the series that exist, each with its type (a page that lies is worse than none)', async () => {
    const declared = declaredMetrics(await exposeEverything());
    const own = Object.fromEntries([...declared].filter(([name]) => name.startsWith('penstock_')));
    const documented = Object.fromEntries(Array.from(documentedSeries(), ([name, { type }]): [string, string] => [name, type]));
    expect(documented).toEqual(own);
  });

  it('lists the labels of each series', async () => {
    const text = await exposeEverything();
    for (const [name, { labels }] of documentedSeries()) {
      const line = text.split('\n').find((candidate) => new RegExp(`^${name}(_bucket)?[{ ]`).test(candidate));
      const exposed = Array.from((line ?? '').matchAll(/(\w+)="/g), ([, label = '']) => label).filter((label) => label !== 'le');
      const expected = name.startsWith('penstock_upstream_') ? ['upstream', 'origin', ...labels] : labels;
      expect({ name, labels: exposed.toSorted() }).toEqual({ name, labels: expected.toSorted() });
    }
  });

  it('gives every outcome the fault that the gateway records (the overview dashboard is generated from the page)', () => {
    const [, section = ''] = PAGE.split('\n## Outcomes\n');
    const documented = Array.from(section.matchAll(/^\| `(\w+)` \| (none|client|gateway|upstream|network) \|/gm), ([, outcome = '', fault]) => [outcome, fault]);
    expect(Object.fromEntries(documented)).toEqual(OUTCOME_FAULTS);
  });

  it('names every reason and every limit', () => {
    for (const value of [...DROP_REASONS, ...CONNECT_FAILURE_REASONS, ...DISCONNECT_REASONS, ...REJECTION_REASONS, ...CLIENT_LIMIT_NAMES]) {
      expect(PAGE).toContain(`\`${value}\``);
    }
  });
});

describe('the merge of gauges over workers', () => {
  it('is declared for every gauge that a gateway exposes, the process metrics of prom-client included (an undeclared one would be added up, whatever it means)', async () => {
    const gauges = [...declaredMetrics(await exposeEverything())].filter(([, type]) => type === 'gauge').map(([name]) => name);
    expect(gauges.length).toBeGreaterThan(30);
    expect(gauges.filter((name) => mergeOfGauge(name) === undefined)).toEqual([]);
    expect(Object.keys(GAUGE_MERGES).filter((name) => !gauges.includes(name))).toEqual([]);
  });
});
