import { hash } from 'node:crypto';
import type { Principal } from '../access/identity/principal.ts';
import { principalId } from '../access/identity/principal-id.ts';
import type { MadeBatch } from './batches/made-batch.ts';
import type { TokenCounts } from '../request/request-record.ts';

/** Whose spending an amount counts as, as text: `client:NAME`, `user:PRINCIPAL`, `group:NAME` or `organization`. */
export type SpendScope = `client:${string}` | `user:${string}` | `group:${string}` | 'organization';

/** The spending of all callers together. */
export const ORGANIZATION: SpendScope = 'organization';

/** A person as its token shows it, for lists of persons. */
export interface SeenPerson {
  /** For people to read. */
  readonly name: string | undefined;
  /** Those groups that the configuration or a limit names. */
  readonly groups: readonly string[];
}

/** What one request, or one correction of an earlier one, adds to the ledger. */
export interface LedgerEntry {
  /** The principal's id, storable. */
  readonly principal: string;
  readonly kind: Principal['kind'];
  readonly email?: string | undefined;
  /** Storable. */
  readonly model: string;
  /** When the charge was settled, in Unix milliseconds. */
  readonly at: number;
  /** 1, and 0 for a correction. */
  readonly requests: 0 | 1;
  readonly tokens: TokenCounts;
  readonly webSearches: number;
  /** Nano-dollars; a correction may be negative. */
  readonly nanoDollars: bigint;
  readonly isEstimated: boolean;
  /** Everything that the amount counts as, each once. */
  readonly scopes: readonly SpendScope[];
  /** What a token that was not charged before shows of its person; it is stored with the amount. */
  readonly seen?: SeenPerson | undefined;
  /** The message batch that the amount is an estimate of; it is stored with it. */
  readonly batch?: MadeBatch | undefined;
}

/** Milliseconds of a UTC day. */
export const MS_A_DAY = 86_400_000;

/** The UTC day of a time, as days since 1970-01-01. @param at Unix milliseconds */
export function utcDayOf(at: number): number {
  return Math.floor(at / MS_A_DAY);
}

const MOST_NAME_LENGTH = 256;

/**
 * A name as every store takes it: PostgreSQL refuses NUL and long keys of an index, SQLite a lone surrogate, and one such name must not keep a batch
 * from being written. The end of a long name becomes a digest, so that two names stay two.
 */
export function storableName(name: string): string {
  const whole = name.isWellFormed() && !name.includes('\0') ? name : name.toWellFormed().replaceAll('\0', '\u{FFFD}');
  return whole.length <= MOST_NAME_LENGTH ? whole : `${whole.slice(0, MOST_NAME_LENGTH / 2).toWellFormed()}#${hash('sha256', whole, 'base64url')}`;
}

/** The scopes of a principal: its own, one for each of its groups, and the organization, whatever budgets there are: a budget that is added later finds the past. */
export function spendScopesOf(principal: Principal): readonly SpendScope[] {
  if (principal.kind === 'client') return [clientScope(principal.name), ORGANIZATION];
  return [userScope(principalId(principal)), ...new Set(principal.groups.map(groupScope)), ORGANIZATION];
}

/** The scope of a client. */
export function clientScope(name: string): SpendScope {
  return `client:${storableName(name)}`;
}

/** The scope of a person. @param principal its id */
export function userScope(principal: string): SpendScope {
  return `user:${storableName(principal)}`;
}

/** The scope of a group. */
export function groupScope(name: string): SpendScope {
  return `group:${storableName(name)}`;
}
