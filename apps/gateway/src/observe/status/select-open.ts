import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DescribedRequest, OpenRequestFacts, RequestPhase } from '../../request/described-request.ts';
import { bySide, type Side } from '../../request/request-record.ts';
import { createRequestedModel } from '../log/requested-model.ts';
import { FirstRows, isBehind } from './order-rows.ts';
import type { OpenPart, OpenRow, PoolHolder } from './status-part.ts';
import type { StatusQuery } from './status-query.ts';

/** Requests that are described in one turn of the event loop: a fraction of a millisecond. */
export const ROWS_PER_TURN = 200;
/** A client that has taken nothing for this long is shown as slow; milliseconds. */
export const STALL_SHOWN_MS = 3_000;
/** Slow responses that are listed apart. */
export const MAX_STALLED = 20;

/** An open request in a list of them. */
export interface ListedRequest {
  readonly response?: { readonly writableFinished: boolean; readonly destroyed: boolean };
  readonly described?: DescribedRequest | undefined;
}

/**
 * Describes the open requests of this process, and selects those of a question. It takes turns: other connections are served between two slices,
 * and a request whose response ended meanwhile is left out.
 */
export async function selectOpen(requests: readonly ListedRequest[], query: StatusQuery): Promise<OpenPart> {
  const selection = new Selection(query);
  for (let start = 0; start < requests.length; start += ROWS_PER_TURN) {
    // The list of them was made in this turn; a short one is not worth another.
    if (start > 0 || requests.length > ROWS_PER_TURN) await nextTurn();
    const end = Math.min(requests.length, start + ROWS_PER_TURN);
    for (let index = start; index < end; index += 1) selection.add(requests[index] as ListedRequest);
  }
  return selection.part();
}

/** Differences of the clocks up to this are not followed, so that the beginning of a request is the same in every answer; milliseconds. */
const CLOCK_TOLERANCE_MS = 1_000;
let origin = performance.timeOrigin;

/** What makes a monotonic time a Unix time; another one only once the clock of the system was set. */
function unixOrigin(): number {
  const actual = Date.now() - performance.now();
  if (Math.abs(actual - origin) > CLOCK_TOLERANCE_MS) origin = actual;
  return origin;
}

class Selection {
  readonly #query: StatusQuery;
  readonly #rows: FirstRows;
  readonly #stalled = new FirstRows({ sort: 'age', limit: MAX_STALLED });
  readonly #clients = new Map<string, { open: number; oldestStartedAt: number }>();
  readonly #holders = new Map<string, { -readonly [Name in keyof PoolHolder]: PoolHolder[Name] }>();
  readonly #bySide: Record<Side, number> = bySide(() => 0);
  readonly #byPhase: Record<RequestPhase, number> = { admit: 0, authenticate: 0, route: 0, limit: 0, receive: 0, acquire: 0, send: 0, relay: 0, settle: 0 };
  readonly #model = createRequestedModel();
  readonly #origin = unixOrigin();
  #total = 0;
  #matching = 0;

  constructor(query: StatusQuery) {
    this.#query = query;
    this.#rows = new FirstRows(query);
  }

  add({ described, response }: ListedRequest): void {
    if (described === undefined || response?.writableFinished === true || response?.destroyed === true) return;
    const row = this.#toRow(described.describeOpen());
    this.#total += 1;
    this.#bySide[row.side] += 1;
    this.#byPhase[row.phase] += 1;
    const client = this.#clients.get(row.client);
    if (client === undefined) this.#clients.set(row.client, { open: 1, oldestStartedAt: row.startedAt });
    else {
      client.open += 1;
      client.oldestStartedAt = Math.min(client.oldestStartedAt, row.startedAt);
    }
    if (row.upstream !== undefined && row.acquiredAt !== undefined) this.#hold(row, row.upstream, row.acquiredAt);
    if (row.stalledAt !== undefined && Date.now() - row.stalledAt >= STALL_SHOWN_MS) this.#stalled.add(row);
    if (!matches(row, this.#query)) return;
    this.#matching += 1;
    if (isBehind(row, this.#query.after)) this.#rows.add(row);
  }

  part(): OpenPart {
    return {
      total: this.#total, bySide: this.#bySide, byPhase: this.#byPhase, matching: this.#matching, rows: this.#rows.rows, stalled: this.#stalled.rows,
      holders: [...this.#holders.values()],
      clients: Array.from(this.#clients, ([client, { open, oldestStartedAt }]) => ({ client, open, oldestStartedAt })),
    };
  }

  #hold({ client, startedAt }: OpenRow, upstream: string, acquiredAt: number): void {
    const key = `${upstream}\n${client}`;
    const holder = this.#holders.get(key);
    if (holder === undefined) {
      this.#holders.set(key, { upstream, client, held: 1, oldestAt: startedAt, newestAt: acquiredAt });
      return;
    }
    holder.held += 1;
    holder.oldestAt = Math.min(holder.oldestAt, startedAt);
    holder.newestAt = Math.max(holder.newestAt, acquiredAt);
  }

  #toRow({ requestedModel, startedAt, acquiredAt, stalledAt, person, ...facts }: OpenRequestFacts): OpenRow {
    const unix = (at: number | undefined): number | undefined => (at === undefined ? undefined : Math.round(this.#origin + at));
    return { ...facts, ...(person !== undefined && this.#query.showsPersons === true ? { person } : {}), startedAt: Math.round(this.#origin + startedAt), model: this.#model(requestedModel), acquiredAt: unix(acquiredAt), stalledAt: unix(stalledAt) };
  }
}

function matches(row: OpenRow, { client, side, phase, search }: StatusQuery): boolean {
  if (client !== undefined && row.client !== client) return false;
  if (side !== undefined && row.side !== side) return false;
  if (phase !== undefined && row.phase !== phase) return false;
  if (search === undefined) return true;
  return [row.client, row.model, row.route, row.upstream, row.requestId].some((text) => text?.toLowerCase().includes(search) === true);
}
