import { migrate, type SqlDatabase, type SqlRow, type SqlStatement } from '@penstock/claude-code-gateway/store';
import { batchStatements } from './batches/batch-store.ts';
import { PERSON_PRUNE_SQL, PERSON_RETENTION_DAYS, personStatements } from './persons/person-rows.ts';
import { startOfDatabaseDay, CLOCK } from '../state/database-clock.ts';
import { MS_A_DAY, ORGANIZATION, utcDayOf, type SpendScope } from './ledger-entry.ts';
import { LEDGER_MIGRATIONS, LEDGER_PREFIX } from './ledger-migrations.ts';
import { dayStatements, LOCK_REVISION, spendStatements } from './ledger-rows.ts';
import type { LedgerBatch } from './batch-rows.ts';

/** How far the changes of `ledger_spend` were read: the last row in their order. */
export interface SpendCursor {
  readonly revision: number;
  readonly day: number;
  readonly scope: string;
}

/** Before the first change. */
export const FIRST_CURSOR: SpendCursor = { revision: -1, day: 0, scope: '' };

/** The amount of a scope and day over all processes. */
export interface SpendAmount {
  readonly scope: SpendScope;
  readonly day: number;
  readonly nanoDollars: bigint;
}

/** Changes after a cursor, oldest first. */
export interface SpendChanges {
  readonly amounts: readonly SpendAmount[];
  readonly cursor: SpendCursor;
  /** Whether there may be more. */
  readonly isCut: boolean;
}

/** The numbered batch of one process. */
export interface NumberedBatch extends LedgerBatch {
  readonly sequence: number;
}

/** The ledger in an SQL database. */
export interface LedgerStore {
  /** Brings the tables up to date. */
  prepare(): Promise<void>;
  /**
   * Removes some of the rows that are older than `RETENTION_DAYS` by every clock there is: this process's, the database's, and the days that the store has.
   * Resolves to whether there may be more. @param today days since 1970-01-01
   */
  prune(today: number): Promise<boolean>;
  /** Whether the store has the batch of that number. */
  has(sequence: number): Promise<boolean>;
  /** Writes a batch, once only: rejects without any effect if the store has it already. Resolves with the changes after the cursor, its own included. */
  write(batch: NumberedBatch, after: SpendCursor, fromDay: number): Promise<SpendChanges>;
  /** The amounts of a few scopes. */
  readScopes(scopes: readonly SpendScope[], fromDay: number): Promise<readonly SpendAmount[]>;
  /** Changes after the cursor. */
  read(after: SpendCursor, fromDay: number): Promise<SpendChanges>;
}

/** For how long days are kept: a year, and a month to compare with. */
export const RETENTION_DAYS = 400;
/** For how long a batch of a process that is gone is remembered. */
const BATCH_RETENTION_DAYS = 30;
/** For how long a message batch is remembered: its results can be read for 29 days (https://platform.claude.com/docs/en/build-with-claude/batch-processing). */
const MESSAGE_BATCH_DAYS = 31;
/** The days with spending that must be newer than a day by `RETENTION_DAYS`: one that a process with a wrong clock wrote makes nothing old. */
const WITNESS_DAYS = 3;
/** Rows of each table that one transaction removes. */
export const MOST_PRUNED_ROWS = 1_000;
const MOST_CHANGES = 5_000;

// Amounts as text: neither driver reads every 64-bit integer as a number.
const CHANGES_SQL = `SELECT day, scope, revision, CAST(nano_dollars AS TEXT) AS nano_dollars FROM ledger_spend
  WHERE (revision, day, scope) > (?, ?, ?) AND day >= ? ORDER BY revision, day, scope LIMIT ${MOST_CHANGES}`;

const SCOPE_SQL = 'SELECT day, scope, CAST(nano_dollars AS TEXT) AS nano_dollars FROM ledger_spend WHERE scope = ? AND day >= ?';

const PRUNE_SQL = [['ledger_days', 'day, principal, model, kind'], ['ledger_spend', 'day, scope']].map(([table, key]) =>
  `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE day < ? ORDER BY ${key} LIMIT ${MOST_PRUNED_ROWS}) RETURNING day`);

/** Results first: they are found by their batch. */
const MESSAGE_BATCH_PRUNE_SQL = [
  `DELETE FROM ledger_batch_results WHERE (batch_id, result) IN (SELECT r.batch_id, r.result FROM ledger_batch_results r JOIN ledger_message_batches b ON b.batch_id = r.batch_id
    WHERE b.made_at < ? LIMIT ${MOST_PRUNED_ROWS}) RETURNING result`,
  `DELETE FROM ledger_message_batches WHERE batch_id IN (SELECT batch_id FROM ledger_message_batches b WHERE made_at < ? AND NOT EXISTS (SELECT 1 FROM ledger_batch_results r
    WHERE r.batch_id = b.batch_id) LIMIT ${MOST_PRUNED_ROWS}) RETURNING batch_id`,
];

/** Makes the store. @param bootId unique to this run of this process: it numbers its batches itself */
export function createLedgerStore(database: SqlDatabase, bootId: string): LedgerStore {
  const changes = ({ revision, day, scope }: SpendCursor, fromDay: number): SqlStatement => ({ sql: CHANGES_SQL, values: [revision, day, scope, fromDay] });
  return {
    prepare: () => migrate(database, LEDGER_MIGRATIONS, LEDGER_PREFIX),
    async prune(today) {
      const [clock, witnesses = []] = await database.run([CLOCK, { sql: 'SELECT day FROM ledger_spend WHERE scope = ? ORDER BY day DESC LIMIT 1 OFFSET ?', values: [ORGANIZATION, WITNESS_DAYS - 1] }]);
      const known = Math.min(today, utcDayOf(startOfDatabaseDay(clock)));
      const newest = Math.min(known, Number(witnesses[0]?.['day'] ?? Number.NaN));
      // A clock that cannot be read removes nothing.
      const removed = await database.run([
        ...(Number.isNaN(newest) ? [] : PRUNE_SQL.map((sql) => ({ sql, values: [newest - RETENTION_DAYS] }))),
        ...(Number.isNaN(known) ? [] : [...MESSAGE_BATCH_PRUNE_SQL.map((sql) => ({ sql, values: [(known - MESSAGE_BATCH_DAYS) * MS_A_DAY] })), { sql: PERSON_PRUNE_SQL, values: [(known - PERSON_RETENTION_DAYS) * MS_A_DAY, MOST_PRUNED_ROWS] }, { sql: 'DELETE FROM ledger_batches WHERE boot_id <> ? AND applied_at < ?', values: [bootId, (known - BATCH_RETENTION_DAYS) * MS_A_DAY] }]),
      ]);
      return removed.some((rows) => rows.length === MOST_PRUNED_ROWS);
    },
    async has(sequence) {
      const [rows = []] = await database.run([{ sql: 'SELECT sequence FROM ledger_batches WHERE boot_id = ? AND sequence = ?', values: [bootId, sequence] }]);
      return rows.length > 0;
    },
    async write({ sequence, days, spend, made, persons }, after, fromDay) {
      const results = await database.run([
        // First, and in every batch: batches are applied one after another, and never wait for each other in a circle.
        LOCK_REVISION,
        { sql: 'INSERT INTO ledger_batches (boot_id, sequence, applied_at) VALUES (?, ?, ?)', values: [bootId, sequence, Date.now()] },
        { sql: 'DELETE FROM ledger_batches WHERE boot_id = ? AND sequence < ?', values: [bootId, sequence] },
        ...dayStatements(days),
        ...spendStatements(spend),
        ...batchStatements(made),
        ...personStatements(persons),
        changes(after, fromDay),
      ]);
      return readChanges(results.at(-1) ?? [], after);
    },
    async readScopes(scopes, fromDay) {
      const results = await database.run(scopes.map((scope) => ({ sql: SCOPE_SQL, values: [scope, fromDay] })));
      return results.flat().map(readAmount);
    },
    async read(after, fromDay) {
      const [rows = []] = await database.run([changes(after, fromDay)]);
      return readChanges(rows, after);
    },
  };
}

function readAmount(row: SqlRow): SpendAmount {
  return { scope: String(row['scope']) as SpendScope, day: Number(row['day']), nanoDollars: BigInt(String(row['nano_dollars'])) };
}

function readChanges(rows: readonly SqlRow[], after: SpendCursor): SpendChanges {
  const last = rows.at(-1);
  return {
    amounts: rows.map(readAmount),
    cursor: last === undefined ? after : { revision: Number(last['revision']), day: Number(last['day']), scope: String(last['scope']) },
    isCut: rows.length === MOST_CHANGES,
  };
}
