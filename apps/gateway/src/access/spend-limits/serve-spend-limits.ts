import type { Budget } from '../budgets/budget-book.ts';
import { budgetKey } from '../budgets/budget-book.ts';
import { AdminError } from '../admin/admin-exchange.ts';
import type { Administrator } from '../admin/admin-keys.ts';
import { userIdOf, type NamedIssuers } from '../identity/principal-id.ts';
import { readChange } from './read-change.ts';
import { budgetsOfLimit, describeLimit, type SpendLimit, type SpendLimitChange } from './spend-limit.ts';
import { MOST_SPEND_LIMITS, type AuditLine, type SpendLimitStore } from './spend-limit-store.ts';

/** What the paths of limits are served with. */
export interface SpendLimitServing {
  readonly store: SpendLimitStore;
  /** The budgets of the configuration: read-only here. */
  readonly ofConfiguration: () => readonly Budget[];
  /** The issuers of the configuration. */
  readonly identity: () => NamedIssuers;
  /** Called after a change, before it is answered. */
  readonly changed: () => Promise<void>;
}

const DEFAULT_PAGE = 20;
const MOST_PAGE = 1_000;
const DEFAULT_AUDIT_PAGE = 100;

/** Sets a limit: `POST /v1/organizations/spend_limits`. */
export async function setLimit({ store, ofConfiguration, identity, changed }: SpendLimitServing, body: string, { actor }: Administrator): Promise<object> {
  const read = readChange(body, identity());
  if (!read.ok) throw new AdminError(400, read.message);
  refuseConfigured(read.change, ofConfiguration());
  const limit = await store.upsert(asStored(read.change, await store.list(), identity()), { actor, reason: read.reason });
  if (limit === undefined) throw new AdminError(400, `This gateway takes at most ${MOST_SPEND_LIMITS} limits: delete one.`);
  await changed();
  return describeLimit(limit);
}

/** An earlier release may have written the user of a limit otherwise: that limit is changed. */
function asStored(change: SpendLimitChange, stored: readonly SpendLimit[], identity: NamedIssuers): SpendLimitChange {
  if (change.scopeType !== 'user') return change;
  const same = stored.filter(({ scopeType, scopeId, period }) => scopeType === 'user' && period === change.period && userIdOf(scopeId, identity) === change.scopeId);
  const [first] = same;
  return first === undefined || same.some(({ scopeId }) => scopeId === change.scopeId) ? change : { ...change, scopeId: first.scopeId };
}

/** What stands in the file is changed there. */
function refuseConfigured(change: SpendLimitChange, configured: readonly Budget[]): void {
  const wanted = new Set(budgetsOfLimit({ id: '', ...change }).map(budgetKey));
  const found = configured.find((budget) => wanted.has(budgetKey(budget)));
  if (found !== undefined) throw new AdminError(409, `This limit is ${found.source} of the configuration of the gateway: change it there.`);
}

/** Deletes one: `DELETE …/{id}`. */
export async function deleteLimit({ store, changed }: SpendLimitServing, id: string, { actor }: Administrator): Promise<object> {
  const removed = await store.remove(id, { actor, reason: undefined });
  if (removed === undefined) throw noSuchLimit();
  await changed();
  return { type: 'spend_limit_deleted', id };
}

/** One by its id: `GET …/{id}`. */
export async function showLimit({ store }: SpendLimitServing, id: string): Promise<object> {
  const found = (await store.list()).find((limit) => limit.id === id);
  if (found === undefined) throw noSuchLimit();
  return describeLimit(found);
}

/** A page of them by their creation: `GET …`. */
export async function listLimits({ store }: SpendLimitServing, query: URLSearchParams): Promise<object> {
  const [limit, after, before, type] = [readCount(query, 'limit', DEFAULT_PAGE, MOST_PAGE), query.get('after_id'), query.get('before_id'), query.get('scope_type')];
  if (after !== null && before !== null) throw new AdminError(400, 'after_id and before_id cannot be given together.');
  const all = (await store.list()).filter(({ scopeType }) => type === null || scopeType === type);
  const { data, hasMore } = pageOf(all, limit, after, before);
  return { data: data.map(describeLimit), has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

function pageOf(all: readonly SpendLimit[], limit: number, after: string | null, before: string | null): { readonly data: readonly SpendLimit[]; readonly hasMore: boolean } {
  const cursor = after ?? before;
  const at = cursor === null ? -1 : all.findIndex(({ id }) => id === cursor);
  if (cursor !== null && at === -1) throw new AdminError(400, `${after === null ? 'before_id' : 'after_id'} must be the id of a limit.`);
  if (before !== null) return { data: all.slice(Math.max(0, at - limit), at), hasMore: at > limit };
  return { data: all.slice(at + 1, at + 1 + limit), hasMore: all.length > at + 1 + limit };
}

/** The audit, newest first: `GET …/audit`. */
export async function listAudit({ store }: SpendLimitServing, query: URLSearchParams): Promise<object> {
  const limit = readCount(query, 'limit', DEFAULT_AUDIT_PAGE, MOST_PAGE);
  const after = query.get('after_id') === null ? undefined : readCount(query, 'after_id', 0, Number.MAX_SAFE_INTEGER);
  const lines = await store.audit(limit + 1, after);
  return { data: lines.slice(0, limit).map(describeLine), has_more: lines.length > limit };
}

function describeLine({ id, createdAt, actor, action, targetId, before, after, reason }: AuditLine): object {
  const limitOf = (text: string | undefined): unknown => (text === undefined ? null : JSON.parse(text));
  return { type: 'audit_event', id, created_at: new Date(createdAt).toISOString(), actor, action, target_id: targetId, before: limitOf(before), after: limitOf(after), reason: reason ?? null };
}

/** A whole number of a query. */
export function readCount(query: URLSearchParams, name: string, preset: number, most: number): number {
  const text = query.get(name);
  if (text === null) return preset;
  const count = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > most) throw new AdminError(400, `${name} must be an integer from 1 to ${most}.`);
  return count;
}

function noSuchLimit(): AdminError {
  return new AdminError(404, 'There is no limit with this id.');
}
