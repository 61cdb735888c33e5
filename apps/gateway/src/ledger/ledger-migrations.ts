import type { Migration } from '@penstock/claude-code-gateway/store';

/** With what the names of the ledger's migrations begin. */
export const LEDGER_PREFIX = 'ledger_';

/**
 * The schema of the ledger. Days are days since 1970-01-01, amounts nano-dollars. `revision` orders the changes of `ledger_spend`: its one row in
 * `ledger_revision` is locked by each batch until that batch is committed, so that no revision becomes visible before a lower one.
 */
export const LEDGER_MIGRATIONS: readonly Migration[] = [{
  name: 'ledger_0001',
  statements: [
    `CREATE TABLE ledger_days (
      day BIGINT NOT NULL, principal TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL, email TEXT, requests BIGINT NOT NULL, estimated_requests BIGINT NOT NULL,
      input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, cache_read_tokens BIGINT NOT NULL, cache_write_5m_tokens BIGINT NOT NULL,
      cache_write_1h_tokens BIGINT NOT NULL, web_searches BIGINT NOT NULL, nano_dollars BIGINT NOT NULL, PRIMARY KEY (day, principal, model, kind))`,
    'CREATE TABLE ledger_spend (day BIGINT NOT NULL, scope TEXT NOT NULL, requests BIGINT NOT NULL, nano_dollars BIGINT NOT NULL, revision BIGINT NOT NULL, PRIMARY KEY (day, scope))',
    'CREATE INDEX ledger_spend_revision ON ledger_spend (revision, day, scope)',
    'CREATE INDEX ledger_spend_scope ON ledger_spend (scope, day)',
    'CREATE TABLE ledger_revision (id BIGINT PRIMARY KEY, revision BIGINT NOT NULL)',
    'INSERT INTO ledger_revision (id, revision) VALUES (1, 0)',
    'CREATE TABLE ledger_batches (boot_id TEXT NOT NULL, sequence BIGINT NOT NULL, applied_at BIGINT NOT NULL, PRIMARY KEY (boot_id, sequence))',
  ],
}, {
  // `nano_dollars` and tokens are those of each request; a result is a digest of its `custom_id`, kept until all of its batch were read.
  name: 'ledger_0002',
  statements: [
    `CREATE TABLE ledger_message_batches (
      batch_id TEXT PRIMARY KEY, day BIGINT NOT NULL, principal TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL, email TEXT, scopes TEXT NOT NULL, made_at BIGINT NOT NULL,
      requests BIGINT NOT NULL, corrected BIGINT NOT NULL, input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, nano_dollars BIGINT NOT NULL, CHECK (corrected <= requests))`,
    'CREATE INDEX ledger_message_batches_made ON ledger_message_batches (made_at)',
    'CREATE TABLE ledger_batch_results (batch_id TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (batch_id, result))',
  ],
}, {
  // The labels of the estimate in metrics, so that its correction has the same. Batches of an earlier version have none.
  name: 'ledger_0003',
  statements: ['ALTER TABLE ledger_message_batches ADD COLUMN client TEXT', 'ALTER TABLE ledger_message_batches ADD COLUMN upstream TEXT'],
}, {
  name: 'ledger_0004',
  statements: [
    'CREATE TABLE ledger_persons (principal TEXT PRIMARY KEY, name TEXT, group_names TEXT NOT NULL, seen_at BIGINT NOT NULL)',
    'CREATE INDEX ledger_persons_seen ON ledger_persons (seen_at)',
  ],
}];
