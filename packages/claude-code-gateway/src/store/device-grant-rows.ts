import { numberOf, optionalTextOf, textOf, type SqlDatabase, type SqlRow } from './sql-database.ts';
import type { DeviceGrant, GrantStatus, SignInStore } from './sign-in-store.ts';
import { sessionOf } from './session-rows.ts';

type GrantMethods = Pick<SignInStore, 'createGrant' | 'findGrantByUserCode' | 'findGrant' | 'pollGrant' | 'identifyGrant' | 'decideGrant' | 'denyGrant' | 'redeemGrant'>;

const COLUMNS = 'device_digest, status, created_at, expires_at, polled_at, address, user_agent, browser, identity';

/** The sign-ins that are under way. Each change of a status names the status it starts from, so that of two calls at once one has an effect. */
export function createDeviceGrantRows(database: SqlDatabase): GrantMethods {
  const one = async (sql: string, values: ReadonlyArray<string | number | null>): Promise<SqlRow | undefined> => {
    const [rows = []] = await database.run([{ sql, values }]);
    return rows[0];
  };
  const find = async (sql: string, values: ReadonlyArray<string | number>): Promise<DeviceGrant | undefined> => {
    const row = await one(sql, values);
    return row === undefined ? undefined : grantOf(row);
  };

  return {
    async createGrant({ deviceDigest, userDigest, createdAt, expiresAt, address, userAgent }, mostPending) {
      const row = await one(
        `INSERT INTO sign_in_grants (device_digest, user_digest, status, created_at, expires_at, polled_at, address, user_agent)
         SELECT ?, ?, 'pending', CAST(? AS BIGINT), CAST(? AS BIGINT), 0, ?, ?
         WHERE (SELECT COUNT(*) FROM sign_in_grants WHERE expires_at > CAST(? AS BIGINT)) < CAST(? AS BIGINT) ON CONFLICT DO NOTHING RETURNING status`,
        [deviceDigest, userDigest, createdAt, expiresAt, address, userAgent, createdAt, mostPending],
      );
      return row !== undefined;
    },
    findGrantByUserCode: (userDigest, now) => find(`SELECT ${COLUMNS} FROM sign_in_grants WHERE user_digest = ? AND expires_at > ?`, [userDigest, now]),
    findGrant: (deviceDigest) => find(`SELECT ${COLUMNS} FROM sign_in_grants WHERE device_digest = ?`, [deviceDigest]),
    async pollGrant(deviceDigest, now, intervalMs) {
      const [noted = [], found = []] = await database.run([
        { sql: 'UPDATE sign_in_grants SET polled_at = ? WHERE device_digest = ? AND polled_at <= ? RETURNING status', values: [now, deviceDigest, now - intervalMs] },
        { sql: `SELECT ${COLUMNS} FROM sign_in_grants WHERE device_digest = ?`, values: [deviceDigest] },
      ]);
      const [row] = found;
      return row === undefined ? undefined : { ...grantOf(row), isTooEarly: noted.length === 0 };
    },
    async identifyGrant(deviceDigest, { browser, identity, providerRefresh }, now) {
      const row = await one(
        `UPDATE sign_in_grants SET status = 'identified', browser = ?, identity = ?, provider_refresh = ?
         WHERE device_digest = ? AND status = 'pending' AND expires_at > ? RETURNING status`,
        [browser, identity, providerRefresh ?? null, deviceDigest, now],
      );
      return row !== undefined;
    },
    async decideGrant(deviceDigest, browser, decision, now) {
      const sql = 'UPDATE sign_in_grants SET status = ? WHERE device_digest = ? AND browser = ? AND status = \'identified\' AND expires_at > ? RETURNING status';
      return await one(sql, [decision, deviceDigest, browser, now]) !== undefined;
    },
    async denyGrant(deviceDigest, now) {
      const sql = 'UPDATE sign_in_grants SET status = \'denied\' WHERE device_digest = ? AND status = \'pending\' AND expires_at > ? RETURNING status';
      return await one(sql, [deviceDigest, now]) !== undefined;
    },
    async redeemGrant(deviceDigest, { sid, now, expiresAt, refreshDigest }) {
      const [, created = []] = await database.run([
        { sql: 'UPDATE sign_in_grants SET status = \'redeemed\', sid = ? WHERE device_digest = ? AND status = \'approved\' AND expires_at > ?', values: [sid, deviceDigest, now] },
        {
          sql: `INSERT INTO sign_in_sessions (sid, identity, provider_refresh, created_at, expires_at, lease_until)
                SELECT sid, identity, provider_refresh, CAST(? AS BIGINT), CAST(? AS BIGINT), 0 FROM sign_in_grants WHERE device_digest = ? AND sid = ?
                RETURNING sid, identity, provider_refresh, expires_at, revoked_at`,
          values: [now, expiresAt, deviceDigest, sid],
        },
        {
          sql: `INSERT INTO sign_in_refresh_tokens (digest, sid, created_at)
                SELECT ?, sid, CAST(? AS BIGINT) FROM sign_in_grants WHERE device_digest = ? AND sid = ? AND provider_refresh IS NOT NULL`,
          values: [refreshDigest, now, deviceDigest, sid],
        },
        { sql: 'UPDATE sign_in_grants SET identity = NULL, provider_refresh = NULL WHERE device_digest = ? AND sid = ?', values: [deviceDigest, sid] },
      ]);
      const [row] = created;
      return row === undefined ? undefined : sessionOf(row);
    },
  };
}

function grantOf(row: SqlRow): DeviceGrant {
  return {
    deviceDigest: textOf(row, 'device_digest'), status: textOf(row, 'status') as GrantStatus, createdAt: numberOf(row, 'created_at'), expiresAt: numberOf(row, 'expires_at'),
    address: textOf(row, 'address'), userAgent: textOf(row, 'user_agent'), browser: optionalTextOf(row, 'browser'), identity: optionalTextOf(row, 'identity'),
  };
}
