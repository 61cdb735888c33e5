// A process that reads all results of a message batch: `node correct-batches.ts URL REQUESTS forwards|backwards|make|prune`.
import { createBatchCorrections } from '../../../src/ledger/batches/batch-corrections.ts';
import { createBatchStore } from '../../../src/ledger/batches/batch-store.ts';
import { readResult } from '../../../src/ledger/batches/read-result.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { utcDayOf } from '../../../src/ledger/ledger-entry.ts';
import { createLedgerStore } from '../../../src/ledger/ledger-store.ts';
import { createPostgresDatabase } from '../../../src/state/postgres-database.ts';
import { madeEntry } from '../../ledger/made-entries.ts';

const [url = '', count = '0', what = ''] = process.argv.slice(2);
const requests = Number(count);
const each = { nanoDollars: 1_000n, input: 10, output: 5 };
const tokensOf = (input: number, output: number): { input: number; output: number; cacheRead: number; cacheWrite5m: number; cacheWrite1h: number } => ({ input, output, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 });
const DEADLINE_MS = 60_000;
const database = createPostgresDatabase(url);

if (what === 'make') {
  const ledger = createLedger({ database, timing: { readyMs: DEADLINE_MS, closeMs: DEADLINE_MS } });
  await ledger.ready();
  ledger.record(madeEntry(each.nanoDollars * BigInt(requests), { at: Date.now(), tokens: tokensOf(each.input * requests, each.output * requests), webSearches: 0, batch: { id: 'b', requests, each } }));
  await ledger.close();
} else if (what === 'prune') {
  const store = createLedgerStore(database, 'pruner');
  for (let pass = 0; pass < 2; pass += 1) await store.prune(utcDayOf(Date.now()));
} else {
  const corrections = createBatchCorrections({ store: createBatchStore(database), beginMs: 0, retryMs: 5, onError: () => undefined });
  for (let index = 0; index < requests; index += 1) {
    const nth = what === 'forwards' ? index : requests - 1 - index;
    const cost = { nanoDollars: BigInt(nth), isEstimated: false, isPriceKnown: true, model: 'm', webSearches: 0, tokens: tokensOf(nth, 1) };
    corrections.add('b', readResult({ batchId: 'b', customId: `id-${nth}`, cost }));
  }
  await corrections.close(performance.now() + DEADLINE_MS);
  process.stdout.write(String(corrections.dropped()));
}
await database.close();
