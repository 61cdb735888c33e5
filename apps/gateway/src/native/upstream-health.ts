import { performance } from 'node:perf_hooks';
import type { Outcome } from '../request/request-record.ts';

/** When the upstream last answered and last failed. */
export interface UpstreamHealth {
  note(outcome: Outcome): void;
  /** Whether the last thing heard of the upstream was a failure. */
  isFailing(): boolean;
  ages(): { readonly last_success_seconds: number | null; readonly last_failure_seconds: number | null };
}

const ANSWERED: ReadonlySet<Outcome> = new Set(['ok', 'upstream_error', 'stream_error_event']);
const FAILED: ReadonlySet<Outcome> = new Set(['upstream_unreachable', 'upstream_reset', 'upstream_truncated', 'upstream_timeout']);

/** Remembers the last success and failure; an error that the upstream answered with is an answer. */
export function createUpstreamHealth(): UpstreamHealth {
  let succeededAt: number | undefined;
  let failedAt: number | undefined;
  const age = (at: number | undefined): number | null => (at === undefined ? null : Math.round((performance.now() - at) / 100) / 10);
  return {
    note(outcome) {
      if (ANSWERED.has(outcome)) succeededAt = performance.now();
      else if (FAILED.has(outcome)) failedAt = performance.now();
    },
    isFailing: () => failedAt !== undefined && (succeededAt === undefined || failedAt > succeededAt),
    ages: () => ({ last_success_seconds: age(succeededAt), last_failure_seconds: age(failedAt) }),
  };
}
