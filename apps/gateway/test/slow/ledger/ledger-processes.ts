import { expect } from 'vitest';
import type { UsageReport } from '../../../src/ledger/usage/read-usage.ts';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';

const KEY = 'a-key-that-may-read-0123456789abcdef';
const BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 64, messages: [{ role: 'user', content: 'Say hello' }] });

/** A wait for what a loaded machine does late. */
export const WAIT = { timeout: 120_000, interval: 50 };

/** The sums of a report. */
export interface Spent {
  readonly requests: number;
  readonly nanoDollars: bigint;
}

/** Starts `penstock start` with a simulated upstream and a store. */
export async function startWithLedger(stack: AsyncDisposableStack, store: string, more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Promise<PenstockProcess> {
  const { state = {}, admin = {}, ...rest } = more;
  return stack.use(await runPenstock({ document: { state: { store, ...state }, admin: { read_keys: [KEY], ...admin }, ...rest } }));
}

/** Sends requests, a few at once, and resolves with the number of those that were answered with 200. Connections are not kept: workers share them. */
export async function send({ origin }: PenstockProcess, count: number): Promise<number> {
  let [sent, answered] = [0, 0];
  const sender = async (): Promise<void> => {
    while (sent < count) {
      sent += 1;
      const response = await fetch(`${origin}/anthropic/v1/messages`, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json', connection: 'close' } }).catch(() => undefined);
      await response?.arrayBuffer().catch(() => undefined);
      if (response?.status === 200) answered += 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
  return answered;
}

/** What the store has, as the report by client adds it up. */
export async function readSpent({ operations }: PenstockProcess): Promise<Spent> {
  const response = await fetch(`${operations}/v1/usage?since=2d`, { headers: { 'x-api-key': KEY } });
  if (response.status !== 200) throw new Error(`usage answered ${response.status}`);
  const { rows } = await response.json() as UsageReport;
  return { requests: rows.reduce((sum, row) => sum + row.requests, 0), nanoDollars: rows.reduce((sum, row) => sum + BigInt(row.cost_usd.replace('.', '')), 0n) };
}

/** A metric of the gateway, summed over its series with some labels. */
export async function readMetric({ operations }: PenstockProcess, name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const text = await (await fetch(`${operations}/metrics`)).text();
  return sumOf(text, name, labels) ?? 0;
}

/** Waits until the store has so many requests, and no more. */
export async function expectStored(penstock: PenstockProcess, requests: number): Promise<Spent> {
  await expect.poll(async () => (await readSpent(penstock)).requests, WAIT).toBe(requests);
  return readSpent(penstock);
}

/** The warnings of `/readyz`. */
export async function readWarnings({ operations }: PenstockProcess): Promise<Readonly<Record<string, string>>> {
  const { warnings } = await (await fetch(`${operations}/readyz`)).json() as { warnings: Readonly<Record<string, string>> };
  return warnings;
}
