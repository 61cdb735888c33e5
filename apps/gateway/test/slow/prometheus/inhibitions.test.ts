// The inhibitions that are shipped, judged by a real Alertmanager: two causes give two notifications, and its judgement is that of the other tests.
import type { AlertLabels } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { notified } from './inhibitions.ts';
import { HAS_ALERTMANAGER, startAlertmanager } from './start-alertmanager.ts';

const ofPool = (name: string, upstream: string, instance: string, more: AlertLabels = {}): AlertLabels => ({ alertname: `Penstock${name}`, job: 'penstock', instance, upstream, ...more });
const ofJob = (name: string, more: AlertLabels = {}): AlertLabels => ({ alertname: `Penstock${name}`, job: 'penstock', ...more });

/** One upstream cannot be reached, and in one of two instances a client holds the pool of the other upstream. */
const CAUSES: readonly AlertLabels[] = [
  ofJob('UpstreamUnreachable', { upstream: 'front_door_local' }), ofPool('PoolHeldByOneClient', 'native', 'a:9464', { client: 'mallory' }), ofPool('RequestsRefused', 'native', 'b:9464', { reason: 'timeout' }),
];
const CONSEQUENCES: readonly AlertLabels[] = [
  ofPool('RequestsRefused', 'front_door_local', 'a:9464', { reason: 'timeout' }), ofPool('OldestWaiter', 'front_door_local', 'b:9464', { origin: 'http://local' }),
  ofPool('RequestsRefused', 'native', 'a:9464', { reason: 'queue_full' }), ofPool('OldestWaiter', 'native', 'a:9464'), ofPool('PoolSaturated', 'native', 'a:9464'),
  ofPool('OldestWaiter', 'native', 'b:9464'), ofPool('PoolSaturated', 'native', 'b:9464'), ofJob('ErrorBudgetFastBurn'), ofJob('SlowClient', { client: 'mallory' }),
];

const sorted = (alerts: readonly AlertLabels[]): string[] => alerts.map((labels) => Object.keys(labels).toSorted().map((name) => `${name}=${labels[name]}`).join()).toSorted();

test('two upstreams, two instances: each cause notifies, and nothing that follows from one', () => {
  expect(sorted(notified([...CAUSES, ...CONSEQUENCES]))).toEqual(sorted(CAUSES));
  // Without its cause each of them notifies.
  for (const consequence of CONSEQUENCES) expect(notified([consequence])).toEqual([consequence]);
});

test.skipIf(!HAS_ALERTMANAGER)(`a real Alertmanager with the shipped configuration suppresses the same alerts${HAS_ALERTMANAGER ? '' : ' (skipped: alertmanager is not installed)'}`, { timeout: 120_000 }, async () => {
  await using alertmanager = await startAlertmanager();
  await alertmanager.fire([...CAUSES, ...CONSEQUENCES]);
  await expect.poll(async () => {
    const { suppressed, active } = await alertmanager.judged();
    return { suppressed: sorted(suppressed), active: sorted(active) };
  }, { timeout: 90_000 }).toEqual({ suppressed: sorted(CONSEQUENCES), active: sorted(CAUSES) });
});
