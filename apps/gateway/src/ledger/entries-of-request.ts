import type { Person } from '../access/identity/principal.ts';
import { principalId } from '../access/identity/principal-id.ts';
import type { RequestCost } from '../request/request-record.ts';
import { spendScopesOf, storableName, utcDayOf, type LedgerEntry, type SpendScope } from './ledger-entry.ts';

/** Who spent, as an entry names it. */
type Spender = Pick<LedgerEntry, 'principal' | 'kind' | 'email' | 'scopes'>;

/** A settled request as far as the ledger is concerned. */
export interface SettledCost {
  readonly cost: RequestCost;
  /** The label of the caller: a client's name, or a policy's. */
  readonly client: string;
  /** Absent for clients. */
  readonly person?: Person | undefined;
  /** The message batch that it made. */
  readonly batchId?: string | undefined;
  /** The name of the upstream in metrics. */
  readonly upstream?: string | undefined;
}

/** A result of a message batch that was read. */
export interface ReadBatchResult {
  readonly batchId: string;
  readonly customId: string;
  /** Absent for a result that is not billed. */
  readonly cost: RequestCost | undefined;
}

/** Makes the entries of requests. */
export type EntriesOfRequest = (settled: SettledCost, at: number) => readonly LedgerEntry[];

/** Models that one process names in a day; further ones are `other`. A client may ask for a model of any name. */
export const MOST_MODELS_A_DAY = 1_000;
const OTHER = 'other';
const UNKNOWN = 'unknown';
/** Names of callers that are not persons: configured, and few. */
const MOST_CLIENTS = 10_000;

/** Makes the function; what it finds out of a caller is kept for as long as the caller's token is. */
export function createEntriesOfRequest(): EntriesOfRequest {
  const persons = new WeakMap<Person, Spender>();
  const clients = new Map<string, Spender>();
  const models = new Set<string>();
  let modelsOf = 0;
  /** What was named last: each answer brings a new text, whose hash is not known yet, and the rows are found by one that is. */
  let latest: string | undefined;

  function spenderOf(client: string, person: Person | undefined): Spender {
    const known = person === undefined ? clients.get(client) : persons.get(person);
    if (known !== undefined) return known;
    const spender = person === undefined ? describeClient(client) : describePerson(person);
    if (person !== undefined) persons.set(person, spender);
    else if (clients.size < MOST_CLIENTS) clients.set(client, spender);
    return spender;
  }

  function modelOf(model: string, day: number): string {
    if (day !== modelsOf) models.clear();
    else if (model === latest) return latest;
    modelsOf = day;
    // A name that is known is storable already.
    if (models.has(model)) return latest = model;
    const name = model === '' ? UNKNOWN : storableName(model);
    if (models.has(name)) return name;
    if (models.size >= MOST_MODELS_A_DAY) return OTHER;
    models.add(name);
    return name;
  }

  return ({ cost, client, person, batchId, upstream }, at) => {
    const spender = spenderOf(client, person);
    const day = utcDayOf(at);
    const { nanoDollars, isEstimated, tokens, webSearches, model, parts, batch } = cost;
    const made = batchId === undefined || batch === undefined ? undefined : { id: storableName(batchId), ...batch, client, upstream };
    if (parts === undefined) return [{
      principal: spender.principal, kind: spender.kind, email: spender.email, scopes: spender.scopes, at, requests: 1, model: modelOf(model, day), tokens, webSearches, nanoDollars, isEstimated, batch: made,
    }];
    // A request is counted once, with its first part; so are its searches.
    return parts.map((part, index): LedgerEntry => ({
      ...spender, at, requests: index === 0 ? 1 : 0, model: modelOf(part.model ?? model, day), tokens: part.tokens, webSearches: index === 0 ? webSearches : 0,
      nanoDollars: part.nanoDollars, isEstimated,
    }));
  };
}

function describeClient(name: string): Spender {
  const scopes: readonly SpendScope[] = spendScopesOf({ kind: 'client', name });
  return { principal: principalId({ kind: 'client', name }), kind: 'client', scopes };
}

function describePerson(person: Person): Spender {
  const { email } = person;
  return { principal: principalId(person), kind: 'person', scopes: spendScopesOf(person), ...(email === undefined ? {} : { email: storableName(email) }) };
}
