import { performance } from 'node:perf_hooks';
import { OUTCOME_TRAITS, type Outcome } from '../request/request-record.ts';

/** When the upstream last answered and last failed. */
export interface UpstreamHealth {
  note(outcome: Outcome): void;
  /** Whether the latest outcome that shows the upstream was a failure. */
  isFailing(): boolean;
  ages(): { readonly last_success_seconds: number | null; readonly last_failure_seconds: number | null };
}

/** Remembers the last success and failure; an error that the upstream answered with is an answer. */
export function createUpstreamHealth(): UpstreamHealth {
  let succeededAt: number | undefined;
  let failedAt: number | undefined;
  const age = (at: number | undefined): number | null => (at === undefined ? null : Math.round((performance.now() - at) / 100) / 10);
  return {
    note(outcome) {
      const { upstream } = OUTCOME_TRAITS[outcome];
      if (upstream === 'answered') succeededAt = performance.now();
      else if (upstream === 'failed') failedAt = performance.now();
    },
    isFailing: () => failedAt !== undefined && (succeededAt === undefined || failedAt > succeededAt),
    ages: () => ({ last_success_seconds: age(succeededAt), last_failure_seconds: age(failedAt) }),
  };
}
