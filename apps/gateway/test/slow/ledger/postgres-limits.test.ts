// Limits that replicas set at the same time.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres, WHY_NO_POSTGRES } from '@penstock/test-support';
import { expect, test } from 'vitest';

if (WHY_NO_POSTGRES !== undefined) process.stdout.write(`SKIPPED: limits with PostgreSQL: ${WHY_NO_POSTGRES}\n`);

const LIMITS = 24;
const run = promisify(execFile);

test.skipIf(WHY_NO_POSTGRES !== undefined)('limits with PostgreSQL: different limits that three processes set at once are all set, each with a line of the audit', async () => {
  await using stack = new AsyncDisposableStack();
  const postgres = await startPostgres(stack);
  const set = async (name: string, limits: number): Promise<string> => (await run(process.execPath, [resolve(import.meta.dirname, 'set-limits.ts'), postgres.url, name, String(limits)])).stdout;
  await set('none', 0);
  expect(await Promise.all(['one', 'two', 'three'].map((name) => set(name, LIMITS)))).toEqual([String(LIMITS), String(LIMITS), String(LIMITS)]);
  expect(await postgres.ask('SELECT COUNT(*) FROM spend_limits')).toEqual([String(3 * LIMITS)]);
  expect(await postgres.ask('SELECT COUNT(DISTINCT id) FROM admin_audit')).toEqual([String(3 * LIMITS)]);
});
