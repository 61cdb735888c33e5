import type { SqlDatabase, SqlRow, SqlStatement } from '@penstock/claude-code-gateway/store';
import { Pool, type PoolClient } from 'pg';

/** Connections of one process: sign-in is rare, and every replica and worker has as many. */
const MOST_CONNECTIONS = 4;
/** For connecting, and for each statement. Milliseconds. */
const TIMEOUT_MS = 2_000;
const IDLE_MS = 30_000;
/** Between two statements of a transaction: a process that was stopped in the middle of one must not hold its locks, for which the others wait. Milliseconds. */
const TRANSACTION_MS = 5_000;

/** A PostgreSQL that replicas share. Nothing is connected before the first transaction; a database that is away fails each within two seconds. */
export function createPostgresDatabase(url: string): SqlDatabase {
  const pool = new Pool({
    connectionString: url, max: MOST_CONNECTIONS, connectionTimeoutMillis: TIMEOUT_MS, statement_timeout: TIMEOUT_MS, query_timeout: TIMEOUT_MS, idleTimeoutMillis: IDLE_MS,
    idle_in_transaction_session_timeout: TRANSACTION_MS, keepAlive: true, allowExitOnIdle: true, application_name: 'penstock',
  });
  // An idle connection that breaks is replaced by the next transaction.
  pool.on('error', ignore);
  // One that the server ends between two statements emits an error that no query takes, in the first moment of the connection as well.
  pool.on('connect', (client) => { client.on('error', ignore); });
  return {
    async run(statements) {
      const client = await pool.connect();
      try {
        const rows = await runAll(client, statements);
        client.release();
        return rows;
      } catch (error) {
        // In which state the connection is cannot be known.
        client.release(true);
        throw error;
      }
    },
    close: () => pool.end(),
  };
}

function ignore(): void {
  // The statement or the next transaction has the failure.
}

async function runAll(client: PoolClient, statements: readonly SqlStatement[]): Promise<ReadonlyArray<readonly SqlRow[]>> {
  const [only] = statements;
  if (statements.length === 1 && only !== undefined) return [await runOne(client, only)];
  const rows: SqlRow[][] = [];
  await client.query('BEGIN');
  for (const statement of statements) rows.push(await runOne(client, statement));
  await client.query('COMMIT');
  return rows;
}

async function runOne(client: PoolClient, { sql, values }: SqlStatement): Promise<SqlRow[]> {
  let place = 0;
  const numbered = sql.replaceAll('?', () => {
    place += 1;
    return `$${place}`;
  });
  const { rows } = await client.query<SqlRow>(numbered, [...values]);
  return rows;
}
