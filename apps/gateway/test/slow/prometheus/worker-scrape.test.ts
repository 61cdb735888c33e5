import { startSimulator } from '@penstock/anthropic-simulator';
import { describe, expect, it } from 'vitest';
import { declaredMetrics, samplesOf, sumOf } from '../../observe/metrics/exposition.ts';
import { spawnGateway, type SpawnedGateway, workersOf } from './spawn-gateway.ts';

/** Each client has six series on each worker from the start, so that all of them have more than 5,000. */
const CLIENTS = 800;

async function scrape({ operationsPort }: SpawnedGateway): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${operationsPort}/metrics`)).text();
}

function readScrape(text: string): { readonly names: readonly string[]; readonly up: number | undefined; readonly crashes: number | undefined; readonly outcomes: number } {
  return {
    names: [...declaredMetrics(text).keys()], up: sumOf(text, 'penstock_workers', { state: 'up' }), crashes: sumOf(text, 'penstock_worker_crashes_total'),
    outcomes: sumOf(text, 'penstock_request_outcomes_total', { side: 'native' }) ?? 0,
  };
}

async function startFleet(origin: string): Promise<SpawnedGateway> {
  const clients = Array.from({ length: CLIENTS }, (_, index) => ({ name: `client-${index}`, key_sha256: index.toString(16).padStart(64, '0') }));
  return spawnGateway({ server: { workers: 2 }, anthropic_native: { base_url: origin, api_key: 'simulated' }, clients });
}

describe.skipIf(process.platform !== 'linux')('the scrape of two workers with more than 5,000 series (skipped where there is no /proc)', () => {
  it('is whole and never falls while a killed worker is replaced', async () => {
    await using simulator = await startSimulator();
    await using fleet = await startFleet(simulator.origin);
    for (let index = 0; index < 50; index += 1) await (await fetch(`${fleet.anthropic}/v1/models`)).arrayBuffer();
    const before = await scrape(fleet);
    const [victim = 0] = workersOf(fleet);
    process.kill(victim, 'SIGKILL');
    const names = [...declaredMetrics(before).keys()];
    expect(samplesOf(before).length).toBeGreaterThan(5_000);
    // Of each scrape only what is looked at is kept: its text has a megabyte, and there are hundreds.
    const scrapes = [before].map(readScrape);
    const isReplaced = (): boolean => scrapes.at(-1)?.crashes === 1 && scrapes.at(-1)?.up === 2;
    while (!isReplaced()) scrapes.push(readScrape(await scrape(fleet)));
    for (const scraped of scrapes) expect(scraped.names).toEqual(expect.arrayContaining(names));
    const counted = scrapes.map(({ outcomes }) => outcomes);
    expect(counted[0]).toBe(50);
    for (const [index, count] of counted.entries()) expect(count).toBeGreaterThanOrEqual(counted[index - 1] ?? 0);
  });
});
