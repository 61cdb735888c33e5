import type { SqlDatabase, SqlRow, SqlStatement } from '@penstock/claude-code-gateway/store';
import type { PersonRow } from '../batch-rows.ts';
import type { SeenPerson } from '../ledger-entry.ts';
import { upserts } from '../upserts.ts';

/** A person as the store knows it. */
export interface StoredPerson extends SeenPerson {
  /** Unix milliseconds. */
  readonly seenAt: number;
}

/** For how long a person is remembered that is not seen again. */
export const PERSON_RETENTION_DAYS = 90;

/** What `seenOf` reads of a row. */
export const SEEN_COLUMNS = 'ledger_persons.name, ledger_persons.group_names, ledger_persons.seen_at';

/** Removes persons that were seen before a time, so many at most. */
export const PERSON_PRUNE_SQL = 'DELETE FROM ledger_persons WHERE principal IN (SELECT principal FROM ledger_persons WHERE seen_at < ? ORDER BY seen_at LIMIT ?) RETURNING principal';

/** The latest token counts, in whatever order processes write. */
const PERSON_SQL = {
  insert: 'INSERT INTO ledger_persons (principal, name, group_names, seen_at) VALUES', row: '(?, ?, ?, ?)',
  conflict: 'ON CONFLICT (principal) DO UPDATE SET name = excluded.name, group_names = excluded.group_names, seen_at = excluded.seen_at WHERE excluded.seen_at >= ledger_persons.seen_at',
};
/** Persons that one statement asks for. */
const PERSONS_A_STATEMENT = 200;

/** Statements that store persons; they belong into the transaction of a batch. JSON escapes what a store would refuse in a name of a group. */
export function personStatements(persons: ReadonlyMap<string, PersonRow>): readonly SqlStatement[] {
  return upserts(PERSON_SQL, [...persons.values()], ({ principal, name, groups, seenAt }) => [principal, name ?? null, JSON.stringify(groups), seenAt]);
}

/** What the store knows of persons by their ids. */
export async function readSeenPersons(database: SqlDatabase, ids: readonly string[]): Promise<ReadonlyMap<string, StoredPerson>> {
  const found = new Map<string, StoredPerson>();
  for (let from = 0; from < ids.length; from += PERSONS_A_STATEMENT) {
    const some = ids.slice(from, from + PERSONS_A_STATEMENT);
    const [rows = []] = await database.run([{ sql: `SELECT principal, ${SEEN_COLUMNS} FROM ledger_persons WHERE principal IN (${some.map(() => '?').join(', ')})`, values: some }]);
    for (const row of rows) {
      const person = seenOf(row);
      if (person !== undefined) found.set(String(row['principal']), person);
    }
  }
  return found;
}

/** The person of a row; `undefined` where none was joined. */
export function seenOf(row: SqlRow): StoredPerson | undefined {
  const { name, group_names: groups, seen_at: seenAt } = row;
  if (typeof groups !== 'string') return undefined;
  return { name: typeof name === 'string' ? name : undefined, groups: JSON.parse(groups) as readonly string[], seenAt: Number(seenAt) };
}
