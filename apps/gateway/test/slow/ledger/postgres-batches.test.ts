// Results of message batches in PostgreSQL: each is corrected once, however many processes read them at the same time.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startPostgres, WHY_NO_POSTGRES } from '@penstock/test-support';

if (WHY_NO_POSTGRES !== undefined) process.stdout.write(`SKIPPED: batches with PostgreSQL: ${WHY_NO_POSTGRES}\n`);

const REQUESTS = 3_000;
const SUM = String(REQUESTS * (REQUESTS - 1) / 2);
const MONTH_AGO = Date.now() - 33 * 86_400_000;
const run = promisify(execFile);

describe.skipIf(WHY_NO_POSTGRES !== undefined)('message batches with PostgreSQL', () => {
  test('three processes that read all results at once, in two orders, correct each of them once; a month later nothing of it is kept', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const work = async (what: string): Promise<string> => (await run(process.execPath, [resolve(import.meta.dirname, 'correct-batches.ts'), postgres.url, String(REQUESTS), what])).stdout;
    await work('make');
    expect(await postgres.ask('SELECT nano_dollars FROM ledger_spend WHERE scope = \'client:alice\'')).toEqual([String(REQUESTS * 1_000)]);
    expect(await Promise.all(['forwards', 'backwards', 'forwards'].map((order) => work(order)))).toEqual(['0', '0', '0']);
    expect(await postgres.ask('SELECT nano_dollars FROM ledger_spend WHERE scope = \'client:alice\'')).toEqual([SUM]);
    expect(await postgres.ask('SELECT SUM(input_tokens) FROM ledger_days')).toEqual([SUM]);
    expect(await postgres.ask('SELECT corrected - requests FROM ledger_message_batches')).toEqual(['0']);
    expect(await postgres.ask('SELECT COUNT(*) FROM ledger_batch_results')).toEqual(['0']);
    await postgres.ask(`UPDATE ledger_message_batches SET made_at = ${MONTH_AGO}`);
    await postgres.ask('INSERT INTO ledger_batch_results (batch_id, result) VALUES (\'b\', \'left\')');
    await work('prune');
    expect(await postgres.ask('SELECT COUNT(*) FROM ledger_message_batches')).toEqual(['0']);
    expect(await postgres.ask('SELECT COUNT(*) FROM ledger_batch_results')).toEqual(['0']);
  });
});
