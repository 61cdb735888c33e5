import { formatSpan } from './format-values.ts';
import type { StatusRouting } from './status.ts';

const WORDS: Readonly<Record<StatusRouting['health'], (span: string) => string>> = {
  well: () => 'well',
  cooling: (span) => `cools down for ${span}`,
  half_open: () => 'waits for a request that shows whether it is well',
};

/** How one of several upstreams is, in words; the reason is an identifier of the gateway's own. */
export function describeRouting({ health, reason, cools_for_seconds: seconds, ill_for_seconds: ill }: StatusRouting): string {
  return WORDS[health](formatSpan(seconds)) + (reason === null ? '' : ` after ${reason}`) + (ill === 0 ? '' : `, ill for ${formatSpan(ill)}`);
}
