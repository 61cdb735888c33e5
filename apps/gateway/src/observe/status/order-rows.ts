import { REQUEST_PHASES } from '../../request/described-request.ts';
import type { OpenRow } from './status-part.ts';
import type { Cursor, SortKey, StatusQuery } from './status-query.ts';

/** A negative number where the first row comes before the second. */
type Compare = (one: OpenRow, other: OpenRow) => number;

/** The oldest first; of two that began together, by their ids. */
function byAge(one: Cursor, other: Cursor): number {
  return one.startedAt - other.startedAt || compareTexts(one.requestId, other.requestId);
}

const ORDERS: Readonly<Record<SortKey, Compare>> = {
  age: byAge,
  bytes: (one, other) => other.responseBytes + other.requestBytes - one.responseBytes - one.requestBytes || byAge(one, other),
  client: (one, other) => compareTexts(one.client, other.client) || byAge(one, other),
  model: (one, other) => compareTexts(one.model ?? '', other.model ?? '') || byAge(one, other),
  phase: (one, other) => REQUEST_PHASES.indexOf(other.phase) - REQUEST_PHASES.indexOf(one.phase) || byAge(one, other),
};

/** Sorts rows of one or several processes and keeps the first ones. */
export function orderRows(rows: readonly OpenRow[], { sort, limit }: Pick<StatusQuery, 'sort' | 'limit'>): readonly OpenRow[] {
  return rows.toSorted(ORDERS[sort]).slice(0, limit);
}

/** Whether a row comes behind the end of the previous page. */
export function isBehind(row: OpenRow, after: Cursor | undefined): boolean {
  return after === undefined || byAge(row, after) > 0;
}

/** Keeps the first rows of an order while rows are added one by one: adding costs a search among those that are kept. */
export class FirstRows {
  readonly #compare: Compare;
  readonly #limit: number;
  readonly rows: OpenRow[] = [];

  constructor({ sort, limit }: Pick<StatusQuery, 'sort' | 'limit'>) {
    this.#compare = ORDERS[sort];
    this.#limit = limit;
  }

  add(row: OpenRow): void {
    const last = this.rows.at(-1);
    if (this.rows.length >= this.#limit && (last === undefined || this.#compare(row, last) >= 0)) return;
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.rows[middle] as OpenRow, row) <= 0) low = middle + 1; else high = middle;
    }
    this.rows.splice(low, 0, row);
    if (this.rows.length > this.#limit) this.rows.pop();
  }
}

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
