import { describeCondition, type Cause, type Condition } from '../causes.ts';
import { formatTime } from './format-values.ts';

/** The causes that parts of a process report themselves; the others are found in upstreams, requests and the drain. */
export type PartCause = 'side_absent' | 'limit_store_failing' | 'issuer_failing' | 'sign_in_provider_failing' | 'sign_in_store_failing' | 'ledger_failing' | 'budget_spent' | 'price_missing';

/** `since` is ` since 11:58 UTC`, or empty; `detail` begins with `: ` where there is one. */
type Describe = (facts: { readonly party: string; readonly since: string; readonly detail: string }) => string;

const PART_SENTENCES: Readonly<Record<PartCause, Describe>> = {
  side_absent: ({ party }) => `The ${party} side could not be started; the log has the reason.`,
  limit_store_failing: ({ party, since, detail }) => `The store of client limits fails for the ${party} side${since}${detail}.`,
  issuer_failing: ({ party, since }) => `The keys of the issuer ${party} cannot be fetched${since}: its tokens are judged by the last ones for 24 hours, then refused.`,
  sign_in_provider_failing: ({ since, detail }) => `The identity provider of sign-in cannot be asked${since}${detail}.`,
  ledger_failing: ({ party, since, detail }) => `The store of the ${party} fails${since}${detail}.`,
  budget_spent: ({ party, detail }) => `The budget of ${party} is spent${detail}. Its requests are refused until the period ends.`,
  price_missing: ({ party, since, detail }) => `No price is known for the model ${party}${since}${detail}. A row in prices is missing.`,
  sign_in_store_failing: ({ since, detail }) => `The store of sign-in fails${since}${detail}.`,
};

/** The sentence of the verdict about a part. `now` is Unix milliseconds. */
export function describePart(condition: Condition, now: number): string {
  const { cause, party, since, detail } = condition;
  if (!isPartCause(cause)) return `${describeCondition(condition)}.`;
  return PART_SENTENCES[cause]({ party, since: since === undefined ? '' : ` since ${formatTime(since, now)}`, detail: detail === undefined ? '' : `: ${detail}` });
}

function isPartCause(cause: Cause): cause is PartCause {
  return Object.hasOwn(PART_SENTENCES, cause);
}
