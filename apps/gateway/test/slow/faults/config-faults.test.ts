import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../../faults/fault-cells.ts';
import { startFaultUpstream, type FaultUpstream } from '../../faults/fault-upstream.ts';
import { CLIENTS } from '../../faults/fault-world.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { askNext, holdRequests, metricOf, waitUntil } from './held-requests.ts';

const SLOTS = 3;
const SUCCESS = 'penstock_config_reloads_total{result="success"}';
let upstream: FaultUpstream;
let penstock: PenstockProcess;
let file: string;
let sound: string;
let cells = 0;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  penstock = await runPenstock({
    document: { clients: CLIENTS, openai_front_door: { enabled: false }, anthropic_native: { base_url: upstream.origin, pool: { max_connections: SLOTS }, timeouts: { slot_wait: 30 } } },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const args = readFileSync(`/proc/${penstock.child.pid}/cmdline`, 'utf8').split('\0');
  file = args[args.indexOf('--config') + 1] ?? '';
  sound = readFileSync(file, 'utf8');
}, 60_000);

afterAll(async () => {
  await penstock[Symbol.asyncDispose]();
  await upstream.close();
  console.log(`fault matrix: ${cells} cells of the configuration file, ${cells} right`);
});

/** What a fault makes of the file, and whether the reload is taken. */
const FAULTS: readonly (readonly [Fault, string, () => void, 'success' | 'failure'])[] = [
  ['reset', 'is removed', () => rmSync(file), 'failure'],
  ['fin', 'is cut off', () => writeFileSync(file, sound.slice(0, sound.length / 2)), 'failure'],
  ['fin', 'is empty, as a full disk leaves it', () => writeFileSync(file, ''), 'failure'],
  ['garbage', 'is no JSON', () => writeFileSync(file, Buffer.from([0, 255, 254, 1, 2, 3])), 'failure'],
  ['garbage', 'has an authority that is none', () => writeFileSync(file, sound.replace('"anthropic_native":{', '"anthropic_native":{"ca":"no certificate",')), 'failure'],
  ['huge', 'has 8 MB of blanks', () => writeFileSync(file, sound + ' '.repeat(8_000_000)), 'failure'],
  ['huge', 'has 200 KB of blanks', () => writeFileSync(file, sound + ' '.repeat(200_000)), 'success'],
  ['huge', 'has 20,000 unknown settings', () => writeFileSync(file, sound.replace(/^\{/, `{${Array.from({ length: 20_000 }, (_, index) => `"unknown_${index}":1,`).join('')}`)), 'failure'],
  ['duplicate', 'has a setting twice', () => writeFileSync(file, sound.replace(/^\{/, '{"log":{"level":"warn"},"log":{"level":"info"},')), 'failure'],
  ['out_of_order', 'has its settings in another order', () => writeFileSync(file, JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(sound) as object).toReversed()))), 'success'],
];

test.each(FAULTS)('%s: when the file %s in the middle of everything, running requests and those that come are served', async (_fault, _what, strike, expected) => {
  const line = `penstock_config_reloads_total{result="${expected}"}`;
  const before = await metricOf(penstock, line);
  const requests = await holdRequests(penstock, upstream, SLOTS);
  strike();
  penstock.child.kill('SIGHUP');
  await waitUntil(async () => await metricOf(penstock, line) > before, line);
  const order = ['relay', 'acquire', 'send', 'receive', 'admit'];
  const results = await Promise.all(requests.toSorted((one, other) => order.indexOf(one.phase) - order.indexOf(other.phase)).map(async (request) => `${request.phase}: ${await request.finish()}`));
  expect(results).toEqual([...Array.from({ length: SLOTS - 1 }, () => 'relay: 200 whole'), 'acquire: 200 whole', 'send: 200 whole', 'receive: 200 whole', 'admit: 200 whole']);
  cells += 5;
  // The next case starts from a file that has been read again.
  const restored = await metricOf(penstock, SUCCESS);
  writeFileSync(file, sound);
  penstock.child.kill('SIGHUP');
  await waitUntil(async () => await metricOf(penstock, SUCCESS) > restored, 'the reload of the sound file');
  expect(await askNext(penstock.port)).toBe('200 whole');
  await waitUntil(async () => await metricOf(penstock, 'penstock_requests_in_flight{side="native"}') === 0, 'no request in flight');
  expect(await metricOf(penstock, 'penstock_request_outcomes_total{side="native",outcome="internal"}')).toBe(0);
});
