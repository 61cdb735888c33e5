import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SqlDatabase, SqlRow, SqlStatement } from './sql-database.ts';
import type { SqliteThreadAnswer, SqliteThreadRequest } from './sqlite-thread-messages.ts';

const THREAD_FILE = new URL(`./sqlite-thread${extname(import.meta.url)}`, import.meta.url);
/** Transactions that wait for the thread; one more is refused. */
const MOST_WAITING = 10_000;

interface Question {
  readonly resolve: (rows: ReadonlyArray<readonly SqlRow[]>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens an SQLite file in a thread of its own, so that no request waits for the disk. Rejects if the file cannot be opened, and if another process
 * has it: `database is locked`.
 */
export async function openSqliteThread(path: string): Promise<SqlDatabase> {
  const thread = new Worker(THREAD_FILE, { execArgv: [], env: {}, workerData: { path } });
  const questions = new Map<number, Question>();
  let [asked, isClosed] = [0, false];
  const { promise: opened, resolve: onOpened, reject: onNotOpened } = Promise.withResolvers<void>();

  const { promise: exited, resolve: onExited } = Promise.withResolvers<void>();
  thread.on('message', (answer: SqliteThreadAnswer) => {
    if (answer.kind === 'opened') onOpened();
    else if (answer.kind === 'not_opened') onNotOpened(new Error(answer.message));
    else {
      const question = questions.get(answer.id);
      questions.delete(answer.id);
      if (answer.kind === 'rows') question?.resolve(answer.rows);
      else question?.reject(new Error(answer.message));
      if (questions.size === 0) thread.unref();
    }
  });
  const fail = (error: Error): void => {
    isClosed = true;
    onNotOpened(error);
    for (const { reject } of questions.values()) reject(error);
    questions.clear();
  };
  thread.on('error', (error) => { fail(error instanceof Error ? error : new Error(String(error))); });
  thread.once('exit', () => {
    fail(new Error('the thread of the database has ended'));
    onExited();
  });
  await opened;
  thread.unref();

  return {
    run: (statements: readonly SqlStatement[]) => new Promise((resolve, reject) => {
      if (isClosed) return reject(new Error('the database is closed'));
      if (questions.size >= MOST_WAITING) return reject(new Error('too many transactions wait for the database'));
      asked += 1;
      questions.set(asked, { resolve, reject });
      // Only work that is under way keeps the process.
      thread.ref();
      thread.postMessage({ id: asked, statements } satisfies SqliteThreadRequest);
      return undefined;
    }),
    async close() {
      // A process that waits for nothing else must not end before the file is closed.
      thread.ref();
      if (!isClosed) thread.postMessage('close' satisfies SqliteThreadRequest);
      await exited;
    },
  };
}
