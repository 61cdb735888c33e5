import type { SqlDatabase, SqlRow, SqlStatement } from '@penstock/claude-code-gateway/store';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { isFileStore } from './open-state.ts';

/** A transaction that a worker asks its primary for. */
export interface StateQuestion {
  readonly type: 'state';
  readonly id: number;
  readonly statements: readonly SqlStatement[];
}

/** The rows of a transaction, or why there are none. */
export type StateAnswer =
  | { readonly type: 'state'; readonly id: number; readonly rows: ReadonlyArray<readonly SqlRow[]> }
  | { readonly type: 'state'; readonly id: number; readonly failure: string };

/** The primary's database as one of its workers sees it. */
export interface PrimaryDatabase extends SqlDatabase {
  take(answer: StateAnswer): void;
}

const TIMEOUT_MS = 5_000;
const MOST_WAITING = 1_000;

interface Waiting {
  readonly resolve: (rows: ReadonlyArray<readonly SqlRow[]>) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Whether workers ask their primary for the state: a file has one owner, a server takes each process. */
export function usesPrimaryState({ state }: Pick<GatewayConfig, 'state'>): boolean {
  return state.store !== undefined && isFileStore(state.store);
}

/** The file of the state has one owner, the primary: workers ask it over the process channel. */
export function createPrimaryDatabase(send: (question: StateQuestion) => void): PrimaryDatabase {
  const waiting = new Map<number, Waiting>();
  let asked = 0;

  const settle = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    clearTimeout(found?.timer);
    return found;
  };
  return {
    run: (statements) => new Promise((resolve, reject) => {
      if (waiting.size >= MOST_WAITING) {
        reject(new Error('too many transactions wait for the primary'));
        return;
      }
      asked += 1;
      const id = asked;
      const timer = setTimeout(() => settle(id)?.reject(new Error('the primary does not answer')), TIMEOUT_MS).unref();
      waiting.set(id, { resolve, reject, timer });
      send({ type: 'state', id, statements });
    }),
    take(answer) {
      const found = settle(answer.id);
      if ('rows' in answer) found?.resolve(answer.rows);
      else found?.reject(new Error(answer.failure));
    },
    async close() {
      for (const id of waiting.keys()) settle(id)?.reject(new Error('the gateway ends'));
    },
  };
}

/** Answers a question of a worker. Never rejects. */
export async function answerStateQuestion(database: SqlDatabase | undefined, { id, statements }: StateQuestion): Promise<StateAnswer> {
  try {
    if (database === undefined) throw new Error('this gateway has no state');
    return { type: 'state', id, rows: await database.run(statements) };
  } catch (error) {
    return { type: 'state', id, failure: error instanceof Error ? error.message : String(error) };
  }
}
