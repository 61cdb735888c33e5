import { Agent, fetch } from 'undici';
import { expect, test } from 'vitest';
import { entriesFor, OVERLOADED, SERVED, startAnswering, type TestUpstream } from '../native/two-upstreams.ts';
import { runPenstock, type PenstockProcess } from '../run-penstock.ts';

const WORKERS = 2;
/** Connections are handed to workers in turn: so many new ones reach each of them. */
const ROUNDS = 4 * WORKERS;
const TWO_WORKERS = { workers: WORKERS };

/** Sends a request on a connection of its own, so that it may reach any worker. */
async function onNewConnection(url: string, init: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {}): Promise<{ readonly status: number; readonly json: unknown }> {
  const agent = new Agent({ pipelining: 0, connections: 1 });
  try {
    const answer = await fetch(url, { ...init, dispatcher: agent });
    return { status: answer.status, json: await answer.json() };
  } finally {
    await agent.destroy();
  }
}

const ask = async (penstock: PenstockProcess, session: string): Promise<number> => (await onNewConnection(`${penstock.origin}/anthropic/v1/messages`, {
  method: 'POST', body: '{"model":"claude-x","max_tokens":1,"messages":[]}', headers: { 'content-type': 'application/json', 'x-claude-code-session-id': session },
})).status;

/** The state of an upstream as each worker sees it, the same one on so many connections in a row. */
async function allSee(penstock: PenstockProcess, name: string, state: string): Promise<void> {
  await expect.poll(async () => {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const { json } = await onNewConnection(`${penstock.origin}/anthropic/health`);
      seen.add((json as { upstreams: Record<string, { state: string }> }).upstreams[name]?.state ?? 'absent');
    }
    return [...seen];
  }, { timeout: 60_000 }).toEqual([state]);
}

const counts = (upstreams: readonly TestUpstream[]): number[] => upstreams.map(({ requests }) => requests.length);

test('two workers: an upstream that cools down in one is not asked by the other, and a session that moved in one stays moved in both, also after a rolling restart', async () => {
  await using first = await startAnswering(OVERLOADED);
  await using second = await startAnswering();
  const upstreams = [first, second];
  const native = (coolDown: number): object => ({ upstreams: entriesFor(upstreams.map(({ origin }) => origin)), routing: { cool_down: [coolDown, coolDown] } });
  await using penstock = await runPenstock({ document: { server: TWO_WORKERS, anthropic_native: native(600) as Record<string, unknown> }, flags: [] });
  expect(await ask(penstock, 'moved')).toBe(200);
  await allSee(penstock, 'a', 'cooling');
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, `new-${round}`)).toBe(200);
  // One request was refused once; without a common memory each worker would have asked for itself.
  expect(counts(upstreams)).toEqual([1, 1 + ROUNDS]);

  first.answer = SERVED;
  // What refers to the state of an account goes to the first one whatever its health, and shows that it is well.
  expect((await onNewConnection(`${penstock.origin}/anthropic/v1/files`)).status).toBe(200);
  await allSee(penstock, 'a', 'well');
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, 'moved')).toBe(200);
  expect(counts(upstreams)).toEqual([2, 1 + 2 * ROUNDS]);
  expect(await ask(penstock, 'never-moved')).toBe(200);
  expect(counts(upstreams)).toEqual([3, 1 + 2 * ROUNDS]);

  penstock.child.kill('SIGUSR2');
  await expect.poll(() => penstock.stdout().match(/"worker replaced"/g)?.length, { timeout: 60_000 }).toBe(WORKERS);
  for (let round = 0; round < ROUNDS; round += 1) expect(await ask(penstock, 'moved')).toBe(200);
  expect(counts(upstreams)).toEqual([3, 1 + 3 * ROUNDS]);
}, 180_000);
