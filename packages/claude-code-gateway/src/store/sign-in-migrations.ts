import type { Migration } from './migrate.ts';

/** With what the names of this package's migrations begin. */
export const SIGN_IN_PREFIX = 'sign_in_';

/**
 * The schema of the sign-in state. Codes and tokens are stored as SHA-256 digests, what must be read again as a JWE. Times are milliseconds
 * since 1970.
 */
export const SIGN_IN_MIGRATIONS: readonly Migration[] = [{
  name: 'sign_in_0001',
  statements: [
    `CREATE TABLE sign_in_grants (
      device_digest TEXT PRIMARY KEY, user_digest TEXT NOT NULL UNIQUE, status TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
      polled_at BIGINT NOT NULL, address TEXT NOT NULL, user_agent TEXT NOT NULL, browser TEXT, identity TEXT, provider_refresh TEXT, sid TEXT)`,
    'CREATE INDEX sign_in_grants_expires ON sign_in_grants (expires_at)',
    `CREATE TABLE sign_in_sessions (
      sid TEXT PRIMARY KEY, identity TEXT NOT NULL, provider_refresh TEXT, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT,
      lease_by TEXT, lease_until BIGINT NOT NULL)`,
    'CREATE INDEX sign_in_sessions_expires ON sign_in_sessions (expires_at)',
    'CREATE INDEX sign_in_sessions_revoked ON sign_in_sessions (revoked_at)',
    'CREATE TABLE sign_in_refresh_tokens (digest TEXT PRIMARY KEY, sid TEXT NOT NULL, created_at BIGINT NOT NULL, replaced_at BIGINT, successor TEXT)',
    'CREATE INDEX sign_in_refresh_tokens_sid ON sign_in_refresh_tokens (sid)',
    'CREATE INDEX sign_in_refresh_tokens_replaced ON sign_in_refresh_tokens (replaced_at)',
    'CREATE TABLE sign_in_attempts (key TEXT PRIMARY KEY, count BIGINT NOT NULL, expires_at BIGINT NOT NULL)',
    'CREATE INDEX sign_in_attempts_expires ON sign_in_attempts (expires_at)',
  ],
}, {
  // Revocations are numbered by the store: other processes read them by number, since no two clocks agree.
  name: 'sign_in_0002',
  statements: [
    'ALTER TABLE sign_in_sessions ADD COLUMN revocation BIGINT',
    'CREATE INDEX sign_in_sessions_revocation ON sign_in_sessions (revocation)',
    'UPDATE sign_in_sessions SET revocation = 1 WHERE revoked_at IS NOT NULL',
    'CREATE TABLE sign_in_counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)',
    'INSERT INTO sign_in_counters (name, value) VALUES (\'revocations\', 1)',
  ],
}, {
  // When the first lease of a session ended that its holder did not release.
  name: 'sign_in_0003',
  statements: ['ALTER TABLE sign_in_sessions ADD COLUMN unsettled_at BIGINT'],
}];
