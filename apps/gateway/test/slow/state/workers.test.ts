import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareSignIn } from '../../sign-in/run-sign-in.ts';
import { postForm, refreshAt, signInAt } from '../../sign-in/sign-in-at.ts';

function scratch(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-state-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  return join(folder, 'state.db');
}

test('workers: share the file of their primary, so that each one knows the sessions of all, and a second gateway on it is refused', async () => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const processes = await prepareSignIn(stack, { store: `sqlite:${path}` });
  const { base } = await processes.start({ server: { workers: 2 } });
  const { accessToken, refreshToken } = await signInAt(base, processes.provider);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const before = processes.provider.asked.filter((asked) => asked === '/token').length;
  const answers = await Promise.all(Array.from({ length: 8 }, () => refreshAt(base, refreshToken)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(new Set(answers.map(({ json }) => json['refresh_token'])).size).toBe(1);
  expect(processes.provider.asked.filter((asked) => asked === '/token').length - before).toBe(1);
  await expect(processes.start()).rejects.toThrow(/state\.store \(.*state\.db\) is in use by another gateway/);
  await postForm(`${base}/oauth/revoke`, { token: accessToken });
  const statuses = async (): Promise<readonly number[]> => Promise.all(Array.from({ length: 6 }, async () => (await fetch(`${base}/managed/settings`, { headers: { authorization: `Bearer ${accessToken}`, connection: 'close' } })).status));
  await expect.poll(statuses).toEqual([401, 401, 401, 401, 401, 401]);
});

test('a restart: sessions and refresh tokens outlive it', async () => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const processes = await prepareSignIn(stack, { store: `sqlite:${path}` });
  const first = await processes.start();
  const { refreshToken } = await signInAt(first.base, processes.provider);
  first.penstock.child.kill('SIGTERM');
  expect(await first.penstock.exited).toBe(0);
  const second = await processes.start();
  expect((await refreshAt(second.base, refreshToken)).status).toBe(200);
});
