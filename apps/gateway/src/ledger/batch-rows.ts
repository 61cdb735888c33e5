import type { BatchRecord } from './batches/batch-record.ts';
import type { MadeBatch } from './batches/made-batch.ts';
import type { LedgerEntry, SeenPerson, SpendScope } from './ledger-entry.ts';
import { NanoDollarSum } from './nano-dollar-sum.ts';

/** What a store does not have yet of one principal, model and day. */
export interface DayRow {
  readonly day: number;
  readonly principal: string;
  readonly model: string;
  readonly kind: LedgerEntry['kind'];
  readonly nanoDollars: NanoDollarSum;
  email: string | undefined;
  requests: number;
  estimatedRequests: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  webSearches: number;
}

/** What a store does not have yet of one scope and day. */
export interface SpendRow {
  readonly day: number;
  readonly scope: SpendScope;
  readonly nanoDollars: NanoDollarSum;
  requests: number;
}

/** A person that was seen. */
export interface PersonRow extends SeenPerson {
  readonly principal: string;
  /** Unix milliseconds. */
  readonly seenAt: number;
}

/** Rows that are written in one transaction. An entry is in one batch whole, so that both tables agree after every crash. */
export interface LedgerBatch {
  readonly days: readonly DayRow[];
  readonly spend: readonly SpendRow[];
  /** Message batches whose estimates are in the rows. */
  readonly made: readonly BatchRecord[];
  /** Persons that were seen, by principal. */
  readonly persons: ReadonlyMap<string, PersonRow>;
}

/** The rows of one UTC day by what they are found by. Maps within maps: a key of several names would be a text that each request makes and hashes anew. */
interface RowsOfDay {
  readonly days: Readonly<Record<LedgerEntry['kind'], Map<string, Map<string, DayRow>>>>;
  readonly spend: Map<SpendScope, SpendRow>;
}

/** A batch that takes entries. */
export class BatchRows implements LedgerBatch {
  readonly days: DayRow[] = [];
  readonly spend: SpendRow[] = [];
  readonly made: BatchRecord[] = [];
  readonly persons: Map<string, PersonRow> = new Map();
  readonly #byDay = new Map<number, RowsOfDay>();

  /** Rows of all tables. */
  get size(): number {
    return this.days.length + this.spend.length + this.made.length + this.persons.size;
  }

  /** Whether the principal and model of an entry have a row. */
  has({ kind, principal, model }: LedgerEntry, day: number): boolean {
    return this.#byDay.get(day)?.days[kind].get(principal)?.has(model) === true;
  }

  /** The amount of a scope. */
  spendOf(scope: SpendScope, day: number): bigint {
    return this.#byDay.get(day)?.spend.get(scope)?.nanoDollars.total ?? 0n;
  }

  /** Adds an entry to the rows that it belongs to. */
  add(entry: LedgerEntry, day: number): void {
    const amount = Number(entry.nanoDollars);
    if (entry.batch !== undefined) this.made.push(recordOf(entry, entry.batch, day));
    if (entry.seen !== undefined) this.persons.set(entry.principal, { ...entry.seen, principal: entry.principal, seenAt: entry.at });
    const rows = this.#byDay.get(day) ?? this.#openDay(day);
    addToDay(rows.days[entry.kind].get(entry.principal)?.get(entry.model) ?? this.#openRow(rows, entry, day), entry, amount);
    const { scopes, requests, nanoDollars } = entry;
    for (let index = 0; index < scopes.length; index += 1) {
      const scope = scopes[index] as SpendScope;
      const row = rows.spend.get(scope) ?? this.#openSpend(rows, scope, day);
      row.requests += requests;
      row.nanoDollars.add(nanoDollars, amount);
    }
  }

  #openDay(day: number): RowsOfDay {
    const rows: RowsOfDay = { days: { client: new Map(), person: new Map() }, spend: new Map() };
    this.#byDay.set(day, rows);
    return rows;
  }

  #openRow({ days }: RowsOfDay, { principal, model, kind, email }: LedgerEntry, day: number): DayRow {
    const row: DayRow = {
      day, principal, model, kind, email, requests: 0, estimatedRequests: 0, input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, webSearches: 0,
      nanoDollars: new NanoDollarSum(),
    };
    const models = days[kind].get(principal) ?? new Map<string, DayRow>();
    days[kind].set(principal, models.set(model, row));
    this.days.push(row);
    return row;
  }

  #openSpend({ spend }: RowsOfDay, scope: SpendScope, day: number): SpendRow {
    const row: SpendRow = { day, scope, requests: 0, nanoDollars: new NanoDollarSum() };
    spend.set(scope, row);
    this.spend.push(row);
    return row;
  }
}

function addToDay(row: DayRow, { email, requests, tokens, webSearches, nanoDollars, isEstimated }: LedgerEntry, amount: number): void {
  row.email = email ?? row.email;
  row.requests += requests;
  if (isEstimated) row.estimatedRequests += requests;
  row.input += tokens.input;
  row.output += tokens.output;
  row.cacheRead += tokens.cacheRead;
  row.cacheWrite5m += tokens.cacheWrite5m;
  row.cacheWrite1h += tokens.cacheWrite1h;
  row.webSearches += webSearches;
  row.nanoDollars.add(nanoDollars, amount);
}

function recordOf({ principal, kind, email, model, scopes, at }: LedgerEntry, batch: MadeBatch, day: number): BatchRecord {
  return { ...batch, principal, kind, email, model, scopes, day, madeAt: at };
}
