import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteDatabase } from './open-sqlite-database.ts';
import type { SqlDatabase } from './sql-database.ts';
import type { SqliteThreadAnswer, SqliteThreadRequest } from './sqlite-thread-messages.ts';

/** The thread that owns one SQLite file: a write waits for the disk, and nothing else may wait with it. */
const answer = (message: SqliteThreadAnswer): void => { parentPort?.postMessage(message); };
const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function open(): SqlDatabase | undefined {
  try {
    const database = openSqliteDatabase((workerData as { readonly path: string }).path);
    answer({ kind: 'opened' });
    return database;
  } catch (error) {
    answer({ kind: 'not_opened', message: describe(error) });
    return undefined;
  }
}

const database = open();
if (database === undefined) parentPort?.close();
parentPort?.on('message', (request: SqliteThreadRequest) => {
  if (database === undefined) return;
  if (request === 'close') {
    void database.close().then(() => parentPort?.close());
    return;
  }
  database.run(request.statements).then(
    (rows) => answer({ kind: 'rows', id: request.id, rows }),
    (error: unknown) => answer({ kind: 'failed', id: request.id, message: describe(error) }),
  );
});
