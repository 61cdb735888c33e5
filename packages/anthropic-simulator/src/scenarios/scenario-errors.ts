import { apiError } from '../http/api-error.ts';
import type { Answer } from '../http/answer.ts';
import { edgeErrorPage, edgeTooLarge } from '../http/edge-error-page.ts';
import type { RateLimits } from '../http/rate-limits.ts';

/** The models that answer an error before any content: `sim-error-NNN` and `sim-html-NNN` besides these. */
export const ERROR_SCENARIOS: readonly string[] = Object.freeze([
  'sim-overloaded', 'sim-rate-limited', 'sim-spend-limit', 'sim-prompt-too-long', 'sim-compaction-unavailable', 'sim-request-too-large',
]);

/** The error that a model's name stands for, or `undefined` for a model that answers. */
export function scenarioError(model: string, requestId: string, rateLimits: RateLimits): Answer | undefined {
  const numbered = /^sim-(error|html)-([45]\d\d)$/.exec(model);
  if (numbered !== null) return numbered[1] === 'html' ? edgeErrorPage(Number(numbered[2]), requestId) : apiError(Number(numbered[2]), requestId);
  switch (model) {
    case 'sim-overloaded': return apiError(529, requestId);
    case 'sim-compaction-unavailable': return apiError(529, requestId, { errorCode: 'compaction_unavailable' });
    case 'sim-request-too-large': return edgeTooLarge();
    case 'sim-rate-limited': return apiError(429, requestId, { headers: [['retry-after', '7'], ...rateLimits.headers()] });
    // A spent cap says that waiting does not help: no retry-after.
    case 'sim-spend-limit': return apiError(429, requestId, { message: 'You have reached your specified API usage limits. You will regain access on the first of next month.', errorCode: 'enforced_spend_limit_reached' });
    case 'sim-prompt-too-long': return apiError(400, requestId, { message: 'prompt is too long: 3333404 tokens > 200000 maximum' });
    default: return undefined;
  }
}
