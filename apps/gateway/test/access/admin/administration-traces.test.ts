// What the administration leaves in metrics, log and audit log: who changed something, and who was refused.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startTestOperations } from '../../release/start-test-operations.ts';
import { startBudgetWorld } from '../budgets/budget-world.ts';

const WRITE = 'write-key-of-an-administrator-0123456789';
const READ = 'read-key-of-an-administrator-01234567890';
const PATH = '/v1/organizations/spend_limits';

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-audit-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const file = join(folder, 'audit.log');
  const world = stack.use(await startBudgetWorld({ admin: { write_keys: [WRITE], read_keys: [READ], main_listener: true }, log: { audit: file } }));
  const operations = await startTestOperations({ administer: world.gateway.administer });
  stack.defer(() => operations.close());
  const ask = (key: string | undefined, method = 'GET', path = '', body: string | null = null, origin = `http://127.0.0.1:${operations.port}`): Promise<Response> =>
    fetch(origin + PATH + path, { method, body, headers: key === undefined ? {} : { 'x-api-key': key } });
  const audited = (): readonly Readonly<Record<string, unknown>>[] => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
  return { world, ask, audited, text: () => readFileSync(file, 'utf8'), mainListener: `${world.gateway.origin}/anthropic` };
}

it('a guesser of administrators\' keys: is counted, logged and audited at both listeners, with the address and without the key', async () => {
  const { world, ask, audited, text, mainListener } = await start();
  for (let guess = 1; guess <= 3; guess += 1) expect((await ask(`a-guess-of-an-administrators-key-${guess}`)).status).toBe(401);
  const refused = await ask('a-guess-of-an-administrators-key-4', 'GET', '', null, mainListener);
  expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([401, 'false']);
  expect((await ask(undefined)).status).toBe(401);
  expect(await world.gateway.series('penstock_admin_refusals_total{reason="unknown_key"}')).toBe(4);
  expect(await world.gateway.series('penstock_admin_refusals_total{reason="no_credential"}')).toBe(1);
  await expect.poll(() => audited().length).toBe(5);
  expect(audited().map(({ event, result, reason, address }) => [event, result, reason, address])).toEqual([...Array.from({ length: 4 }, () => 'unknown_key'), 'no_credential'].map((reason) => ['admin.refuse', 'refused', reason, '127.0.0.1']));
  const logged = JSON.stringify(world.gateway.logged);
  expect(logged.split('administrator refused').length - 1).toBe(5);
  expect(logged + text()).not.toContain('a-guess');
});

it('a limit that is set and deleted: stands in the audit log with its administrator, and so does one who may only read', async () => {
  const { world, ask, audited } = await start();
  const set = await ask(WRITE, 'POST', '', '{"scope":{"type":"organization"},"amount":"1"}');
  const { id } = await set.json() as { id: string };
  expect((await ask(READ, 'DELETE', `/${id}`)).status).toBe(403);
  expect((await ask(WRITE, 'DELETE', `/${id}`)).status).toBe(200);
  expect((await ask(WRITE, 'DELETE', `/${id}`)).status).toBe(404);
  await ask(READ);
  await expect.poll(() => audited().length).toBe(4);
  const [first, second, third, fourth] = audited();
  expect(first).toMatchObject({ stream: 'audit', event: 'admin.set', result: 'ok', target: id, method: 'POST', path: PATH, address: '127.0.0.1' });
  expect(second).toMatchObject({ event: 'admin.refuse', result: 'refused', reason: 'read_only', method: 'DELETE' });
  expect(third).toMatchObject({ event: 'admin.delete', result: 'ok', target: id, actor: first?.['actor'] });
  expect(fourth).toMatchObject({ event: 'admin.delete', result: 'refused', reason: 'status_404' });
  expect([first?.['actor'], second?.['actor']]).toEqual([expect.stringMatching(/^admin-key:[0-9a-f]{12}$/), expect.stringMatching(/^admin-key:[0-9a-f]{12}$/)]);
  expect(await world.gateway.series('penstock_admin_refusals_total{reason="read_only"}')).toBe(1);
});
