import { createDeviceGrantRows } from './device-grant-rows.ts';
import { migrate } from './migrate.ts';
import { createSessionRows } from './session-rows.ts';
import { SIGN_IN_MIGRATIONS, SIGN_IN_PREFIX } from './sign-in-migrations.ts';
import type { SignInStore } from './sign-in-store.ts';
import { numberOf, type SqlDatabase, type SqlValue } from './sql-database.ts';

/**
 * The state of sign-in in an SQL database. The tables are created or brought up to date with the first call, and tried again with the next one
 * if that fails: a database that is down at the start does not keep the gateway from starting.
 */
export function createSignInStore(database: SqlDatabase): SignInStore {
  let migrated: Promise<void> | undefined;
  const ready = (): Promise<void> => {
    migrated ??= migrate(database, SIGN_IN_MIGRATIONS, SIGN_IN_PREFIX).catch((error: unknown) => {
      migrated = undefined;
      throw error;
    });
    return migrated;
  };
  const migrating: SqlDatabase = {
    async run(statements) {
      await ready();
      return database.run(statements);
    },
    close: () => database.close(),
  };
  const run = (...statements: ReadonlyArray<readonly [sql: string, ...values: SqlValue[]]>): ReturnType<SqlDatabase['run']> => migrating.run(statements.map(([sql, ...values]) => ({ sql, values })));

  return {
    ...createDeviceGrantRows(migrating),
    ...createSessionRows(migrating),
    async countAttempt(key, now, windowMs) {
      const [, [row = {}] = []] = await run(
        ['DELETE FROM sign_in_attempts WHERE key = ? AND expires_at <= ?', key, now],
        ['INSERT INTO sign_in_attempts (key, count, expires_at) VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET count = sign_in_attempts.count + 1 RETURNING count', key, now + windowMs],
      );
      return numberOf(row, 'count');
    },
    async uncountAttempt(key) {
      await run(['UPDATE sign_in_attempts SET count = count - 1 WHERE key = ? AND count > 0', key]);
    },
    async prune(now, keepReplacedMs, keepRevokedMs) {
      await run(
        ['DELETE FROM sign_in_grants WHERE expires_at <= ?', now],
        ['DELETE FROM sign_in_attempts WHERE expires_at <= ?', now],
        ['DELETE FROM sign_in_refresh_tokens WHERE replaced_at <= ?', now - keepReplacedMs],
        // By its indexes: a session has hundreds of replaced tokens.
        ['DELETE FROM sign_in_refresh_tokens WHERE sid IN (SELECT sid FROM sign_in_sessions WHERE expires_at <= ? OR revoked_at <= ?)', now, now - keepRevokedMs],
        ['DELETE FROM sign_in_sessions WHERE expires_at <= ? OR revoked_at <= ?', now, now - keepRevokedMs],
      );
    },
    close: () => database.close(),
  };
}
