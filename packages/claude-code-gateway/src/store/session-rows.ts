import { CLOCK_COLUMN, clockOf } from './database-clock.ts';
import { numberOf, optionalTextOf, textOf, type SqlDatabase, type SqlRow } from './sql-database.ts';
import type { SignInStore, StoredSession } from './sign-in-store.ts';

type SessionMethods = Pick<SignInStore, 'clock' | 'findRefreshToken' | 'takeLease' | 'releaseLease' | 'rotate' | 'keepProviderRefresh' | 'revokeSession' | 'revokedAfter'>;

/**
 * The row of the counter stays locked until a revocation is committed: revocations become visible in the order of their numbers, so that a process that
 * has read one has missed none before it.
 */
const NEXT_REVOCATION = 'UPDATE sign_in_counters SET value = value + 1 WHERE name = \'revocations\'';
const LATEST_REVOCATION = '(SELECT value FROM sign_in_counters WHERE name = \'revocations\')';

/** The sessions of persons and their refresh tokens. */
export function createSessionRows(database: SqlDatabase): SessionMethods {
  const all = async (sql: string, values: ReadonlyArray<string | number | null>): Promise<readonly SqlRow[]> => {
    const [rows = []] = await database.run([{ sql, values }]);
    return rows;
  };

  return {
    async clock() {
      const [row] = await all(`SELECT ${CLOCK_COLUMN}`, []);
      return clockOf(row);
    },
    async findRefreshToken(digest) {
      const [row] = await all(
        `SELECT s.sid, s.identity, s.provider_refresh, s.expires_at, s.revoked_at, s.unsettled_at, t.replaced_at, t.successor, ${CLOCK_COLUMN}
         FROM sign_in_refresh_tokens t JOIN sign_in_sessions s ON s.sid = t.sid WHERE t.digest = ?`,
        [digest],
      );
      return row === undefined ? undefined : { session: sessionOf(row), replacedAt: optionalNumberOf(row, 'replaced_at'), successor: optionalTextOf(row, 'successor'), readAt: clockOf(row) };
    },
    async takeLease(sid, holder, now, untilMs, takesOver = true) {
      // A holder that ended well has taken its name away; one that did not may have had an answer of the provider that it could not store.
      const sql = `UPDATE sign_in_sessions SET unsettled_at = CASE WHEN lease_by IS NULL THEN unsettled_at ELSE COALESCE(unsettled_at, lease_until) END, lease_by = ?, lease_until = ?
                   WHERE sid = ? AND lease_until <= ? AND revoked_at IS NULL ${takesOver ? '' : 'AND lease_by IS NULL'} RETURNING sid`;
      return (await all(sql, [holder, untilMs, sid, now])).length > 0;
    },
    async releaseLease(sid, holder) {
      await all('UPDATE sign_in_sessions SET lease_by = NULL, lease_until = 0 WHERE sid = ? AND lease_by = ?', [sid, holder]);
    },
    async rotate({ sid, holder, oldDigest, newDigest, successor, identity, providerRefresh, replacedProviderRefresh, now, expiresAt, graceMs }) {
      const [, , , , changed = []] = await database.run([
        {
          sql: `UPDATE sign_in_refresh_tokens SET replaced_at = ?, successor = ? WHERE digest = ? AND sid = ? AND replaced_at IS NULL
                AND EXISTS (SELECT 1 FROM sign_in_sessions WHERE sid = ? AND lease_by = ? AND revoked_at IS NULL)`,
          values: [now, successor, oldDigest, sid, sid, holder],
        },
        // The successor alone shows that the first statement had an effect: it is new for each rotation.
        {
          sql: 'INSERT INTO sign_in_refresh_tokens (digest, sid, created_at) SELECT ?, sid, CAST(? AS BIGINT) FROM sign_in_refresh_tokens WHERE digest = ? AND successor = ?',
          values: [newDigest, now, oldDigest, successor],
        },
        // A process that comes late with a token of before the one that is replaced now gets the newest as well: one that was replaced would end the session at its next use.
        {
          sql: `UPDATE sign_in_refresh_tokens SET successor = ? WHERE sid = ? AND replaced_at >= ?
                AND EXISTS (SELECT 1 FROM sign_in_refresh_tokens WHERE digest = ? AND successor = ?)`,
          values: [successor, sid, now - graceMs, oldDigest, successor],
        },
        // Whatever became of our token: the provider's old one may be spent. One that a later holder stored is newer than ours.
        {
          sql: 'UPDATE sign_in_sessions SET provider_refresh = ?, unsettled_at = NULL WHERE sid = ? AND revoked_at IS NULL AND (lease_by = ? OR provider_refresh = ?)',
          values: [providerRefresh, sid, holder, replacedProviderRefresh],
        },
        {
          sql: `UPDATE sign_in_sessions SET identity = ?, expires_at = ?, lease_by = NULL, lease_until = 0 WHERE sid = ?
                AND EXISTS (SELECT 1 FROM sign_in_refresh_tokens WHERE digest = ? AND successor = ?) RETURNING sid`,
          values: [identity, expiresAt, sid, oldDigest, successor],
        },
      ]);
      return changed.length > 0;
    },
    async keepProviderRefresh(sid, providerRefresh, replaced) {
      await all('UPDATE sign_in_sessions SET provider_refresh = ?, unsettled_at = NULL WHERE sid = ? AND revoked_at IS NULL AND provider_refresh = ?', [providerRefresh, sid, replaced]);
    },
    async revokeSession(sid, now, by) {
      const [which, values] = by === undefined
        ? ['sid = ? AND revoked_at IS NULL', [sid]] as const
        : ['sid = ? AND revoked_at IS NULL AND lease_by = ? AND provider_refresh = ?', [sid, by.holder, by.providerRefresh]] as const;
      const [, changed = []] = await database.run([
        { sql: `${NEXT_REVOCATION} AND EXISTS (SELECT 1 FROM sign_in_sessions WHERE ${which})`, values },
        {
          sql: `UPDATE sign_in_sessions SET revoked_at = ?, revocation = ${LATEST_REVOCATION}, provider_refresh = NULL, lease_by = NULL, lease_until = 0 WHERE ${which} RETURNING sid`,
          values: [now, ...values],
        },
      ]);
      return changed.length > 0;
    },
    async revokedAfter(number) {
      const rows = await all(
        `SELECT c.value, s.sid FROM sign_in_counters c
         LEFT JOIN sign_in_sessions s ON s.revocation > ? OR (s.revoked_at IS NOT NULL AND s.revocation IS NULL) WHERE c.name = 'revocations'`,
        [number],
      );
      return { sids: rows.flatMap((row) => optionalTextOf(row, 'sid') ?? []), latest: numberOf(rows[0] ?? {}, 'value') };
    },
  };
}

/** Reads a session. */
export function sessionOf(row: SqlRow): StoredSession {
  return {
    sid: textOf(row, 'sid'), identity: textOf(row, 'identity'), providerRefresh: optionalTextOf(row, 'provider_refresh'),
    expiresAt: numberOf(row, 'expires_at'), revokedAt: optionalNumberOf(row, 'revoked_at'), unsettledAt: optionalNumberOf(row, 'unsettled_at'),
  };
}

function optionalNumberOf(row: SqlRow, column: string): number | undefined {
  return row[column] === null || row[column] === undefined ? undefined : numberOf(row, column);
}
