import { REQUEST_PHASES, type RequestPhase } from '../../request/described-request.ts';
import { SIDES, type Side } from '../../request/request-record.ts';

/** The orders in which open requests can be listed. Numbers are listed from the highest, texts from the first. */
export const SORT_KEYS = ['age', 'bytes', 'client', 'model', 'phase'] as const;

/** One of `SORT_KEYS`. */
export type SortKey = (typeof SORT_KEYS)[number];

/** Open requests of one answer at most. */
export const MAX_ROWS = 500;
/** Open requests of one answer unless the question names a number. */
export const DEFAULT_ROWS = 100;
const MAX_FILTER_LENGTH = 200;

/** Which open requests a status shows. */
export interface StatusQuery {
  readonly limit: number;
  readonly sort: SortKey;
  readonly client: string | undefined;
  readonly side: Side | undefined;
  readonly phase: RequestPhase | undefined;
  /** A part of the client, model, route, upstream or id, in any case. */
  readonly search: string | undefined;
  /** Where the previous page ended; for the order by age alone. */
  readonly after: Cursor | undefined;
  /** Whether persons are shown beside the policy that is their client; no member of the query sets it. @defaultValue false */
  readonly showsPersons?: boolean;
}

/** The last row of a page. */
export interface Cursor {
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly requestId: string;
}

/** The question that no member of the query changes. */
export const WHOLE_STATUS: StatusQuery = Object.freeze({ limit: DEFAULT_ROWS, sort: 'age', client: undefined, side: undefined, phase: undefined, search: undefined, after: undefined });

const MEMBERS = ['limit', 'sort', 'client', 'side', 'phase', 'search', 'after'];
const CURSOR = /^(\d{1,15}(?:\.\d{1,9})?)~([\w-]{1,64})$/;

/** Reads the query of `/status.json`, of the page and of its events. Returns a sentence for one that cannot be read; empty values set nothing. */
export function readStatusQuery(parameters: URLSearchParams): StatusQuery | string {
  const seen = new Set<string>();
  for (const name of parameters.keys()) {
    if (!MEMBERS.includes(name)) return `The query has an unknown member; known are ${MEMBERS.join(', ')}.`;
    if (seen.has(name)) return `The query has more than one "${name}".`;
    seen.add(name);
  }
  const text = (name: string): string | undefined => {
    const value = parameters.get(name)?.trim() ?? '';
    return value === '' ? undefined : value;
  };
  const [limit = String(DEFAULT_ROWS), sort = 'age', client, side, phase, search, after] = MEMBERS.map(text);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) > MAX_ROWS) return `limit must be a whole number from 0 to ${MAX_ROWS}.`;
  if (!isOneOf(SORT_KEYS, sort)) return `sort must be one of ${SORT_KEYS.join(', ')}.`;
  if (side !== undefined && !isOneOf(SIDES, side)) return `side must be one of ${SIDES.join(', ')}.`;
  if (phase !== undefined && !isOneOf(REQUEST_PHASES, phase)) return `phase must be one of ${REQUEST_PHASES.join(', ')}.`;
  if ((client?.length ?? 0) > MAX_FILTER_LENGTH || (search?.length ?? 0) > MAX_FILTER_LENGTH) return `client and search have at most ${MAX_FILTER_LENGTH} characters.`;
  const [, startedAt, requestId] = CURSOR.exec(after ?? '') ?? [];
  if (after !== undefined && (startedAt === undefined || requestId === undefined)) return 'after must be the "next" of an answer.';
  if (after !== undefined && sort !== 'age') return 'after is for the order by age alone.';
  return {
    limit: Number(limit), sort, client, side, phase, search: search?.toLowerCase(),
    after: startedAt === undefined || requestId === undefined ? undefined : { startedAt: Number(startedAt), requestId },
  };
}

/** Writes the end of a page as a member of the next question. */
export function formatCursor({ startedAt, requestId }: Cursor): string {
  return `${startedAt}~${requestId}`;
}

function isOneOf<Value extends string>(values: readonly Value[], value: string): value is Value {
  return (values as readonly string[]).includes(value);
}
