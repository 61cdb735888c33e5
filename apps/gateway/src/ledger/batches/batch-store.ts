import { randomUUID } from 'node:crypto';
import type { SqlDatabase, SqlRow, SqlStatement } from '@penstock/claude-code-gateway/store';
import type { SpendScope } from '../ledger-entry.ts';
import { dayStatements, LOCK_REVISION, spendStatements } from '../ledger-rows.ts';
import { BatchRows, type LedgerBatch } from '../batch-rows.ts';
import { upserts } from '../upserts.ts';
import type { BatchRecord, BatchResultCost } from './batch-record.ts';

/** A batch that is known to the store, and how many of its results were corrected. */
export interface StoredBatch {
  readonly record: BatchRecord;
  readonly corrected: number;
}

/** The batches of a store. */
export interface BatchStore {
  find(id: string): Promise<StoredBatch | undefined>;
  /** The keys among these that were corrected already. */
  known(id: string, keys: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Replaces the estimate of these results by what they cost, in one transaction with the note that it was done. Rejects without any effect where one of them, or all of the
   * batch, was corrected meanwhile. @param sequence its number among the corrections of this process, each larger than the one before
   */
  correct(record: BatchRecord, results: readonly BatchResultCost[], sequence: number): Promise<void>;
  /** Whether the store has the latest correction, of this number, whose answer was lost; one that is under way is waited for. */
  has(sequence: number): Promise<boolean>;
}

const COLUMNS = 'batch_id, day, principal, model, kind, email, scopes, made_at, requests, corrected, input_tokens, output_tokens, nano_dollars, client, upstream';
const BATCH_SQL = { insert: `INSERT INTO ledger_message_batches (${COLUMNS}) VALUES`, row: '(?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)', conflict: 'ON CONFLICT (batch_id) DO NOTHING' };
const RESULT_SQL = { insert: 'INSERT INTO ledger_batch_results (batch_id, result) VALUES', row: '(?, ?)', conflict: '' };
const FIND_SQL = `SELECT ${COLUMNS.replace('nano_dollars', 'CAST(nano_dollars AS TEXT) AS nano_dollars')} FROM ledger_message_batches WHERE batch_id = ?`;
/** Keys that one statement asks for. */
const KEYS_A_STATEMENT = 200;

/** The statements that store batches; they belong into the transaction of their estimates. */
export function batchStatements(made: readonly BatchRecord[]): readonly SqlStatement[] {
  return upserts(BATCH_SQL, made, ({ id, day, principal, model, kind, email, scopes, madeAt, requests, each, client, upstream }) =>
    [id, day, principal, model, kind, email ?? null, JSON.stringify(scopes), madeAt, requests, each.input, each.output, each.nanoDollars.toString(), client ?? null, upstream ?? null]);
}

/** Makes the store of batches on the tables of the ledger. @param bootId the corrections of this process, apart from what others write */
export function createBatchStore(database: SqlDatabase, bootId: string = randomUUID()): BatchStore {
  return {
    async find(id) {
      const [[row] = []] = await database.run([{ sql: FIND_SQL, values: [id] }]);
      return row === undefined ? undefined : readBatch(row);
    },
    async known(id, keys) {
      const found = new Set<string>();
      for (let from = 0; from < keys.length; from += KEYS_A_STATEMENT) {
        const some = keys.slice(from, from + KEYS_A_STATEMENT);
        const [rows = []] = await database.run([{ sql: `SELECT result FROM ledger_batch_results WHERE batch_id = ? AND result IN (${some.map(() => '?').join(', ')})`, values: [id, ...some] }]);
        for (const row of rows) found.add(String(row['result']));
      }
      return found;
    },
    async correct(record, results, sequence) {
      const { days, spend } = correctionOf(record, results);
      await database.run([
        LOCK_REVISION,
        { sql: 'INSERT INTO ledger_batches (boot_id, sequence, applied_at) VALUES (?, ?, ?)', values: [bootId, sequence, Date.now()] },
        { sql: 'DELETE FROM ledger_batches WHERE boot_id = ? AND sequence < ?', values: [bootId, sequence] },
        ...upserts(RESULT_SQL, results, ({ key }) => [record.id, key]),
        // A check of the table refuses more results than there are requests: of a batch that is done the keys are gone.
        { sql: 'UPDATE ledger_message_batches SET corrected = corrected + ? WHERE batch_id = ?', values: [results.length, record.id] },
        { sql: 'DELETE FROM ledger_batch_results WHERE batch_id = ? AND EXISTS (SELECT 1 FROM ledger_message_batches WHERE batch_id = ? AND corrected >= requests)', values: [record.id, record.id] },
        ...dayStatements(days), ...spendStatements(spend),
      ]);
    },
    async has(sequence) {
      const [, rows = []] = await database.run([LOCK_REVISION, { sql: 'SELECT sequence FROM ledger_batches WHERE boot_id = ? AND sequence = ?', values: [bootId, sequence] }]);
      return rows.length > 0;
    },
  };
}

/** What results add to the ledger: their cost, and the estimate of as many requests with a minus. Requests were counted when the batch was made. */
function correctionOf(record: BatchRecord, results: readonly BatchResultCost[]): LedgerBatch {
  const rows = new BatchRows();
  const { day, principal, kind, email, scopes, each, madeAt: at } = record;
  const entries = results.map(({ model, tokens, webSearches, nanoDollars }) => ({ model, tokens, webSearches, nanoDollars }));
  const count = results.length;
  entries.push({
    model: record.model, webSearches: 0, nanoDollars: -each.nanoDollars * BigInt(count),
    tokens: { input: -each.input * count, output: -each.output * count, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  });
  for (const entry of entries) rows.add({ ...entry, principal, kind, email, scopes, at, requests: 0, isEstimated: false }, day);
  return rows;
}

function readBatch(row: SqlRow): StoredBatch {
  const [text, count] = [(column: string): string => String(row[column]), (column: string): number => Number(row[column])];
  const record: BatchRecord = {
    id: text('batch_id'), day: count('day'), principal: text('principal'), model: text('model'), kind: text('kind') === 'person' ? 'person' : 'client',
    ...(row['email'] === null ? {} : { email: text('email') }), scopes: JSON.parse(text('scopes')) as SpendScope[], madeAt: count('made_at'), requests: count('requests'),
    ...(row['client'] === null ? {} : { client: text('client') }), ...(row['upstream'] === null ? {} : { upstream: text('upstream') }),
    each: { input: count('input_tokens'), output: count('output_tokens'), nanoDollars: BigInt(text('nano_dollars')) },
  };
  return { record, corrected: count('corrected') };
}
