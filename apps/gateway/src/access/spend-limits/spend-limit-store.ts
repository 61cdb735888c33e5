import { randomBytes, randomUUID } from 'node:crypto';
import { migrate, type Migration, type SqlDatabase, type SqlRow, type SqlStatement } from '@penstock/claude-code-gateway/store';
import type { BudgetPeriod } from '../../config/sections/budgets-section.ts';
import { CLOCK, startOfDatabaseDay } from '../../state/database-clock.ts';
import { describeLimit, type SpendLimit, type SpendLimitChange, type SpendLimitScopeType } from './spend-limit.ts';

/** With what the names of these migrations begin. */
export const SPEND_LIMITS_PREFIX = 'spend_limits_';

/** The schema of limits and of the audit of their changes. Times are Unix milliseconds. */
export const SPEND_LIMITS_MIGRATIONS: readonly Migration[] = [{
  name: 'spend_limits_0001',
  statements: [
    `CREATE TABLE spend_limits (
      id TEXT PRIMARY KEY, scope_type TEXT NOT NULL, scope_id TEXT NOT NULL, period TEXT NOT NULL, cents BIGINT, is_pooled BIGINT NOT NULL, pooled_cents BIGINT,
      is_paused BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, revision TEXT NOT NULL, UNIQUE (scope_type, scope_id, period))`,
    `CREATE TABLE admin_audit (
      id BIGINT PRIMARY KEY, created_at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target_id TEXT NOT NULL, before_text TEXT, after_text TEXT, reason TEXT)`,
  ],
}, {
  name: 'spend_limits_0002',
  statements: [
    'CREATE TABLE admin_audit_sequence (id BIGINT PRIMARY KEY, last_id BIGINT NOT NULL)',
    'INSERT INTO admin_audit_sequence (id, last_id) SELECT 1, COALESCE(MAX(id), 0) FROM admin_audit',
  ],
}];

/**
 * The first statement of each change. The row is locked until the change is committed, so that changes are applied one after another, no two lines of the audit have one
 * id, and no id becomes visible before a lower one.
 */
const LOCK_IDS: SqlStatement = Object.freeze({ sql: 'UPDATE admin_audit_sequence SET last_id = last_id WHERE id = 1', values: [] });
/** Processes of releases before `spend_limits_0002` number their lines by the lines that are there, and leave the sequence behind. */
const LAST_ID = `(SELECT CASE WHEN lines.last_line > admin_audit_sequence.last_id THEN lines.last_line ELSE admin_audit_sequence.last_id END
  FROM (SELECT COALESCE(MAX(id), 0) AS last_line FROM admin_audit) lines)`;
/** The limit has the revision that a change gave it. */
const WAS_CHANGED = 'EXISTS (SELECT 1 FROM spend_limits WHERE id = ? AND revision = ?)';

/** Who changes what, for the audit. */
export interface ChangeActor {
  readonly actor: string;
  readonly reason: string | undefined;
}

/** One line of the audit. */
export interface AuditLine {
  readonly id: number;
  readonly createdAt: number;
  readonly actor: string;
  readonly action: string;
  readonly targetId: string;
  /** JSON texts of the limit; absent before it was made and after it was deleted. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly reason: string | undefined;
}

/** Limits in the store. Every method rejects while the store cannot be used. */
export interface SpendLimitStore {
  /** Brings the tables up to date. */
  prepare(): Promise<void>;
  /** A number that grows with every change. */
  version(): Promise<number>;
  /** All limits, by their creation. */
  list(): Promise<readonly SpendLimit[]>;
  /** Sets the limit of a scope and period; `undefined` where there are too many. */
  upsert(change: SpendLimitChange, by: ChangeActor): Promise<SpendLimit | undefined>;
  /** Deletes one; `undefined` where it does not exist. */
  remove(id: string, by: ChangeActor): Promise<SpendLimit | undefined>;
  /** Lines of the audit before an id, the newest first. */
  audit(limit: number, beforeId: number | undefined): Promise<readonly AuditLine[]>;
}

/** Limits that can be set; each process holds them all. */
export const MOST_SPEND_LIMITS = 10_000;
const AUDIT_RETENTION_MS = 365 * 86_400_000;
/** The newest lines, which stay: what is old is judged by the time of the last of them, so that a line of a process with a wrong clock makes nothing old. */
const AUDIT_WITNESSES = 10;
/** Of a change that meets others of the same limit. */
const MOST_ATTEMPTS = 5;
const LIST: SqlStatement = { sql: 'SELECT * FROM spend_limits ORDER BY created_at, id', values: [] };

/** Makes the store. */
export function createSpendLimitStore(database: SqlDatabase, now: () => number = Date.now): SpendLimitStore {
  /** The start of the database's day, as it was when the limits were read last. */
  let databaseDay = 0;
  async function list(): Promise<readonly SpendLimit[]> {
    const [rows = [], clock] = await database.run([LIST, CLOCK]);
    databaseDay = startOfDatabaseDay(clock) || 0;
    return rows.map(readLimit);
  }

  /** The line is written only if the limit has the revision that this change gave it. */
  function auditOf(action: string, { id, revision }: Pick<SpendLimit, 'id' | 'revision'>, before: SpendLimit | undefined, after: SpendLimit | undefined, { actor, reason }: ChangeActor): readonly SqlStatement[] {
    const text = (limit: SpendLimit | undefined): string | null => (limit === undefined ? null : JSON.stringify(describeLimit(limit)));
    return [
      // A change that was not made takes no id: the next line of an older process would have the same one, and the version would not grow by it.
      { sql: `UPDATE admin_audit_sequence SET last_id = ${LAST_ID} + 1 WHERE id = 1 AND ${WAS_CHANGED}`, values: [id, revision] },
      {
        sql: `INSERT INTO admin_audit (id, created_at, actor, action, target_id, before_text, after_text, reason)
          SELECT (SELECT last_id FROM admin_audit_sequence WHERE id = 1), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT)
          WHERE ${WAS_CHANGED}`,
        values: [now(), actor, action, id, text(before), text(after), reason ?? null, id, revision],
      },
      {
        sql: `DELETE FROM admin_audit WHERE created_at < ? AND created_at < (SELECT created_at FROM admin_audit ORDER BY id DESC LIMIT 1 OFFSET ${AUDIT_WITNESSES - 1}) - CAST(? AS BIGINT)`,
        values: [Math.min(now(), databaseDay) - AUDIT_RETENTION_MS, AUDIT_RETENTION_MS],
      },
    ];
  }

  async function tryUpsert(change: SpendLimitChange, by: ChangeActor): Promise<SpendLimit | 'changed' | 'full'> {
    const known = await list();
    const before = known.find(({ scopeType, scopeId, period }) => scopeType === change.scopeType && scopeId === change.scopeId && period === change.period);
    if (before === undefined && known.length >= MOST_SPEND_LIMITS) return 'full';
    const after: SpendLimit = {
      id: before?.id ?? `spl_${randomBytes(12).toString('base64url')}`, createdAt: before?.createdAt ?? now(), updatedAt: now(), revision: randomUUID(), ...change,
    };
    const { pooled } = after;
    const amounts = [after.cents ?? null, pooled === undefined ? 0 : 1, pooled?.cents ?? null, pooled?.paused === true ? 1 : 0];
    const write: SqlStatement = before === undefined
      ? {
        sql: `INSERT INTO spend_limits (cents, is_pooled, pooled_cents, is_paused, updated_at, revision, id, created_at, scope_type, scope_id, period)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope_type, scope_id, period) DO NOTHING RETURNING id`,
        values: [...amounts, after.updatedAt, after.revision, after.id, after.createdAt, after.scopeType, after.scopeId, after.period],
      }
      : {
        sql: 'UPDATE spend_limits SET cents = ?, is_pooled = ?, pooled_cents = ?, is_paused = ?, updated_at = ?, revision = ? WHERE id = ? AND revision = ? RETURNING id',
        values: [...amounts, after.updatedAt, after.revision, before.id, before.revision],
      };
    const [, written = []] = await database.run([LOCK_IDS, write, ...auditOf('spend_limit.upsert', after, before, after, by)]);
    return written.length === 0 ? 'changed' : after;
  }

  async function tryRemove(id: string, by: ChangeActor): Promise<SpendLimit | 'changed' | undefined> {
    const before = (await list()).find((limit) => limit.id === id);
    if (before === undefined) return undefined;
    const marked = { id, revision: randomUUID() };
    const [, written = []] = await database.run([
      LOCK_IDS,
      { sql: 'UPDATE spend_limits SET revision = ? WHERE id = ? AND revision = ? RETURNING id', values: [marked.revision, id, before.revision] },
      ...auditOf('spend_limit.delete', marked, before, undefined, by),
      { sql: 'DELETE FROM spend_limits WHERE id = ? AND revision = ?', values: [id, marked.revision] },
    ]);
    return written.length === 0 ? 'changed' : before;
  }

  return {
    prepare: () => migrate(database, SPEND_LIMITS_MIGRATIONS, SPEND_LIMITS_PREFIX),
    async version() {
      const [rows = []] = await database.run([{ sql: `SELECT ${LAST_ID} AS version FROM admin_audit_sequence WHERE id = 1`, values: [] }]);
      return Number(rows[0]?.['version'] ?? 0);
    },
    list,
    async upsert(change, by) {
      const done = await attempt(() => tryUpsert(change, by));
      return done === 'full' ? undefined : done;
    },
    remove: (id, by) => attempt(() => tryRemove(id, by)),
    async audit(limit, beforeId) {
      const [rows = []] = await database.run([{ sql: 'SELECT * FROM admin_audit WHERE id < ? ORDER BY id DESC LIMIT ?', values: [beforeId ?? Number.MAX_SAFE_INTEGER, limit] }]);
      return rows.map(readLine);
    },
  };
}

/** Repeats a change that another process overtook. */
async function attempt<Done>(change: () => Promise<Done | 'changed'>): Promise<Done> {
  let failure: unknown = new Error('the limit is changed by others all the time');
  for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts += 1) {
    try {
      const done = await change();
      if (done !== 'changed') return done;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function readLimit(row: SqlRow): SpendLimit {
  return {
    id: String(row['id']), scopeType: String(row['scope_type']) as SpendLimitScopeType, scopeId: String(row['scope_id']), period: String(row['period']) as BudgetPeriod,
    cents: numberOrNone(row['cents']),
    pooled: Number(row['is_pooled']) === 0 ? undefined : { cents: numberOrNone(row['pooled_cents']), paused: Number(row['is_paused']) === 1 },
    createdAt: Number(row['created_at']), updatedAt: Number(row['updated_at']), revision: String(row['revision']),
  };
}

function readLine(row: SqlRow): AuditLine {
  const text = (value: SqlRow[string] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
  return {
    id: Number(row['id']), createdAt: Number(row['created_at']), actor: String(row['actor']), action: String(row['action']), targetId: String(row['target_id']),
    before: text(row['before_text']), after: text(row['after_text']), reason: text(row['reason']),
  };
}

function numberOrNone(value: SqlRow[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
