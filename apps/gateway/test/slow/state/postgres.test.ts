import { describe, expect, test } from 'vitest';
import { prepareSignIn, type SignInProcesses } from '../../sign-in/run-sign-in.ts';
import { postForm, refreshAt, signInAt } from '../../sign-in/sign-in-at.ts';
import { startPostgres, WHY_NO_POSTGRES, type PostgresServer } from '@penstock/test-support';

if (WHY_NO_POSTGRES !== undefined) process.stdout.write(`SKIPPED: sign-in with PostgreSQL: ${WHY_NO_POSTGRES}\n`);

interface Replicas extends SignInProcesses {
  readonly postgres: PostgresServer;
  readonly first: string;
  readonly second: string;
}

/** Two gateways that share a server, as behind a load balancer; the second one has two workers. */
async function startReplicas(stack: AsyncDisposableStack): Promise<Replicas> {
  const postgres = await startPostgres(stack);
  const processes = await prepareSignIn(stack, { store: postgres.url });
  const first = await processes.start();
  const second = await processes.start({ server: { workers: 2 } });
  return { ...processes, postgres, first: first.base, second: second.base };
}

const statusOf = async (base: string, bearer: string): Promise<number> => (await fetch(`${base}/managed/settings`, { headers: { authorization: `Bearer ${bearer}` } })).status;

describe.skipIf(WHY_NO_POSTGRES !== undefined)('sign-in with PostgreSQL', () => {
  test('two gateways with one server: a session is good at both, and refreshes at both at once are one', async () => {
    await using stack = new AsyncDisposableStack();
    const { first, second, provider } = await startReplicas(stack);
    const { accessToken, refreshToken } = await signInAt(first, provider);
    expect([await statusOf(first, accessToken), await statusOf(second, accessToken)]).toEqual([404, 404]);
    const before = provider.asked.filter((path) => path === '/token').length;
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => refreshAt(index % 2 === 0 ? first : second, refreshToken)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ json }) => json['refresh_token'])).size).toBe(1);
    expect(provider.asked.filter((path) => path === '/token').length - before).toBe(1);
  });

  test('a sign-out at one gateway ends the session at the other', async () => {
    await using stack = new AsyncDisposableStack();
    const { first, second, provider } = await startReplicas(stack);
    const { accessToken } = await signInAt(first, provider);
    expect(await statusOf(second, accessToken)).toBe(404);
    await postForm(`${first}/oauth/revoke`, { token: accessToken });
    expect(await statusOf(first, accessToken)).toBe(401);
    await expect.poll(() => statusOf(second, accessToken)).toBe(401);
  });

  test.each(['stop', 'freeze'] as const)('a server that does not answer (%s): refreshes and sign-ins are 503, tokens stay good, and nothing is lost', async (how) => {
    await using stack = new AsyncDisposableStack();
    const { postgres, first, provider } = await startReplicas(stack);
    const { accessToken, refreshToken } = await signInAt(first, provider);
    if (how === 'stop') await postgres.stop();
    else postgres.freeze();
    expect(await refreshAt(first, refreshToken)).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    expect(await postForm(`${first}/oauth/device_authorization`, {})).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    expect(await statusOf(first, accessToken)).toBe(404);
    if (how === 'stop') await postgres.start();
    else postgres.thaw();
    await expect.poll(async () => (await refreshAt(first, refreshToken)).status).toBe(200);
  });

  test('gateways that start at once while the server is down: serve sign-ins once it is up, and make its tables once', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    await postgres.stop();
    const processes = await prepareSignIn(stack, { store: postgres.url });
    const gateways = await Promise.all(Array.from({ length: 3 }, () => processes.start()));
    const bases = gateways.map(({ base }) => base);
    for (const base of bases) expect((await postForm(`${base}/oauth/device_authorization`, {})).status).toBe(503);
    await postgres.start();
    // All of them want to make the tables; a server that has just started may be slower than the gateways' own clock.
    const statuses = async (): Promise<readonly number[]> => (await Promise.all(bases.map((base) => postForm(`${base}/oauth/device_authorization`, {})))).map(({ status }) => status);
    await expect.poll(statuses, { timeout: 50_000, interval: 2_000 }).toEqual(bases.map(() => 200));
    expect((await signInAt(bases[0] ?? '', processes.provider)).refreshToken).toMatch(/^penr_/);
  });
});
