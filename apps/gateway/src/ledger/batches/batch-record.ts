import type { TokenCounts } from '../../request/request-record.ts';
import type { LedgerEntry } from '../ledger-entry.ts';
import type { MadeBatch } from './made-batch.ts';

/** The same with whom and when it was charged to: corrections are of that day. */
export interface BatchRecord extends MadeBatch, Pick<LedgerEntry, 'principal' | 'kind' | 'email' | 'model' | 'scopes'> {
  readonly day: number;
  /** Unix milliseconds. */
  readonly madeAt: number;
}

/** What one result of a batch cost. */
export interface BatchResultCost {
  /** A digest of its `custom_id`. */
  readonly key: string;
  /** Storable. */
  readonly model: string;
  readonly tokens: TokenCounts;
  readonly webSearches: number;
  readonly nanoDollars: bigint;
}
