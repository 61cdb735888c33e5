import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { utcDayOf } from '../../../src/ledger/ledger-entry.ts';
import { MOST_PRUNED_ROWS } from '../../../src/ledger/ledger-store.ts';
import { startPostgres, WHY_NO_POSTGRES } from '@penstock/test-support';
import { expectStored, readMetric, readSpent, readWarnings, send, startWithLedger, WAIT } from './ledger-processes.ts';

if (WHY_NO_POSTGRES !== undefined) process.stdout.write(`SKIPPED: the ledger with PostgreSQL: ${WHY_NO_POSTGRES}\n`);

const ADMIN_KEY = 'write-key-of-an-administrator-0123456789';

describe.skipIf(WHY_NO_POSTGRES !== undefined)('ledger with PostgreSQL', () => {
  test('two gateways, one with workers, write into one ledger: nothing is missing and nothing is double', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const [first, second] = await Promise.all([startWithLedger(stack, postgres.url), startWithLedger(stack, postgres.url, { server: { workers: 2 } })]);
    const [one] = [await send(first, 1)];
    const { nanoDollars } = await expectStored(first, one);
    const answered = await Promise.all([send(first, 150), send(second, 150)]);
    const spent = await expectStored(second, 1 + (answered[0] ?? 0) + (answered[1] ?? 0));
    expect(spent).toEqual({ requests: 301, nanoDollars: nanoDollars * 301n });
    expect(await postgres.ask('SELECT SUM(nano_dollars) FROM ledger_spend WHERE scope = \'organization\'')).toEqual([String(spent.nanoDollars)]);
  });

  test.each(['stop', 'freeze'] as const)('a server that does not answer (%s): requests go on, the gateway shows it, and everything is written once it is back', async (how) => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const penstock = await startWithLedger(stack, postgres.url);
    const { nanoDollars } = await expectStored(penstock, await send(penstock, 20));
    const sending = send(penstock, 200);
    if (how === 'stop') await postgres.stop();
    else postgres.freeze();
    expect(await sending).toBe(200);
    await expect.poll(async () => (await readWarnings(penstock))['ledger'], WAIT).toMatch(/^ledger_failing: /);
    expect(await send(penstock, 20)).toBe(20);
    expect(await readMetric(penstock, 'penstock_ledger_pending_requests')).toBeGreaterThanOrEqual(20);
    if (how === 'stop') await postgres.start();
    else postgres.thaw();
    expect(await expectStored(penstock, 240)).toEqual({ requests: 240, nanoDollars: nanoDollars * 12n });
    await expect.poll(async () => (await readWarnings(penstock))['ledger'], WAIT).toBeUndefined();
    expect(await readMetric(penstock, 'penstock_ledger_lost_requests_total')).toBe(0);
  });

  test('connections that the server ends at any moment of a transaction: nothing is lost, nothing is double', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const penstock = await startWithLedger(stack, postgres.url, { state: { flush_interval: 0.1 } });
    const { nanoDollars } = await expectStored(penstock, await send(penstock, 1));
    const over = new AbortController();
    const sending = send(penstock, 400).finally(() => { over.abort(); });
    let ended = 0;
    while (!over.signal.aborted) {
      const rows = await postgres.ask('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \'penstock\' AND pid <> pg_backend_pid()').catch(() => []);
      ended += rows.length;
    }
    expect(await sending).toBe(400);
    expect(ended).toBeGreaterThan(0);
    expect(await expectStored(penstock, 401)).toEqual({ requests: 401, nanoDollars: nanoDollars * 401n });
  });

  test('SIGKILL of one of two gateways: at most what it had not written is lost, and the other one goes on', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const [first, second] = await Promise.all([startWithLedger(stack, postgres.url), startWithLedger(stack, postgres.url)]);
    const { nanoDollars } = await expectStored(first, await send(first, 50));
    const sending = send(first, 200);
    await expect.poll(async () => (await readSpent(second)).requests, WAIT).toBeGreaterThan(60);
    first.child.kill('SIGKILL');
    const answered = await sending;
    await first.exited;
    const after = await readSpent(second);
    expect(after.requests).toBeLessThanOrEqual(50 + answered + 8);
    const spent = await expectStored(second, after.requests + await send(second, 50));
    expect(spent.nanoDollars * 50n).toBe(nanoDollars * BigInt(spent.requests));
  });

  test('gateways that start at once while the server is down: serve, make its tables once when it is up, and write what waited', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    await postgres.stop();
    const gateways = await Promise.all(Array.from({ length: 3 }, () => startWithLedger(stack, postgres.url)));
    const answered = await Promise.all(gateways.map((gateway) => send(gateway, 10)));
    expect(answered).toEqual([10, 10, 10]);
    for (const gateway of gateways) await expect.poll(async () => (await readWarnings(gateway))['ledger'], WAIT).toMatch(/^ledger_failing: /);
    await postgres.start();
    for (const gateway of gateways) await expectStored(gateway, 30);
    expect(await postgres.ask('SELECT name FROM penstock_migrations WHERE name LIKE \'ledger%\'')).toEqual(['ledger_0001', 'ledger_0002', 'ledger_0003', 'ledger_0004']);
  });

  test('a migration that fails half-way: nothing of it stays, and it is made again', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    // The first table of the migration is there, so that it fails behind the name that it has written already.
    await postgres.ask('CREATE TABLE ledger_days (day BIGINT)');
    const penstock = await startWithLedger(stack, postgres.url);
    await expect.poll(() => penstock.stdout(), WAIT).toMatch(/the ledger cannot be written/);
    expect(await postgres.ask('SELECT name FROM penstock_migrations WHERE name LIKE \'ledger%\'')).toEqual([]);
    expect(await postgres.ask('SELECT 1 FROM pg_class WHERE relname = \'ledger_spend\'')).toEqual([]);
    expect(await send(penstock, 10)).toBe(10);
    await postgres.ask('DROP TABLE ledger_days');
    await expectStored(penstock, 10);
  });

  test('two releases at once: the older one that runs goes on writing, one that starts leaves the newer store alone and serves', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const older = await startWithLedger(stack, postgres.url);
    await expectStored(older, await send(older, 10));
    await postgres.ask('INSERT INTO penstock_migrations (name, applied_at) VALUES (\'ledger_9999\', 1)');
    await postgres.ask('ALTER TABLE ledger_days ADD COLUMN of_a_newer_release BIGINT');
    await expectStored(older, 10 + await send(older, 10));
    const late = await startWithLedger(stack, postgres.url);
    expect(await send(late, 10)).toBe(10);
    await expect.poll(async () => (await readWarnings(late))['ledger'], WAIT).toMatch(/^ledger_failing: /);
    await expect.poll(() => late.stdout(), WAIT).toMatch(/newer release: it has the migration ledger_9999/);
    expect((await readSpent(older)).requests).toBe(20);
  });

  test('old days go in portions, and lines of the audit after a year', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const first = await startWithLedger(stack, postgres.url, { admin: { write_keys: [ADMIN_KEY] } });
    await expectStored(first, await send(first, 1));
    const today = utcDayOf(Date.now());
    await postgres.ask(`INSERT INTO ledger_spend SELECT ${today} - n, 'organization', 1, 1, 1 FROM generate_series(1, 3) AS n`);
    await postgres.ask(`INSERT INTO ledger_days SELECT ${today - 500}, 'client:c' || n, 'm', 'client', NULL, 1, 0, 0, 0, 0, 0, 0, 0, 1 FROM generate_series(1, ${2 * MOST_PRUNED_ROWS + 5}) AS n`);
    const second = await startWithLedger(stack, postgres.url);
    await expect.poll(() => postgres.ask('SELECT COUNT(*) FROM ledger_days'), WAIT).toEqual(['1']);
    expect(second.stdout()).not.toMatch(/could not be removed/);
    const change = async (cents: number): Promise<number> => (await fetch(`${first.operations}/v1/organizations/spend_limits`, {
      method: 'POST', headers: { 'x-api-key': ADMIN_KEY }, body: JSON.stringify({ scope: { type: 'user', user_id: 'a' }, amount: String(cents) }),
    })).status;
    expect(await change(1)).toBe(200);
    await postgres.ask(`UPDATE admin_audit SET created_at = ${Date.now() - 400 * 86_400_000}`);
    for (let cents = 2; cents <= 11; cents += 1) expect(await change(cents)).toBe(200);
    expect(await postgres.ask('SELECT MIN(id) FROM admin_audit')).toEqual(['2']);
  });

  test('a process that was stopped in the middle of a transaction holds up the others for a few seconds alone', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const penstock = await startWithLedger(stack, postgres.url);
    await expectStored(penstock, await send(penstock, 10));
    // Takes the lock that every batch takes, and stops itself before it commits.
    const stopped = spawn(process.execPath, ['--conditions=@penstock/source', '--input-type=module', '-e', `
      const { createPostgresDatabase } = await import(${JSON.stringify(pathToFileURL(resolve(import.meta.dirname, '../../../src/state/postgres-database.ts')).href)});
      const lock = { sql: 'UPDATE ledger_revision SET revision = revision', values: [] };
      const statement = { get sql() { process.stdout.write('holds'); process.kill(process.pid, 'SIGSTOP'); return 'SELECT 1'; }, values: [] };
      await createPostgresDatabase(${JSON.stringify(postgres.url)}).run([lock, statement]);`], { stdio: ['ignore', 'pipe', 'inherit'] });
    stack.defer(() => { stopped.kill('SIGKILL'); });
    await once(stopped.stdout, 'data');
    await expectStored(penstock, 10 + await send(penstock, 10));
    expect(await readMetric(penstock, 'penstock_ledger_lost_requests_total')).toBe(0);
  });
});
