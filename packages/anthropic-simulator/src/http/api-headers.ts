import type { Clock } from '../clock.ts';
import { createSeededRandom } from '../seeded-random.ts';
import type { Answer, HeaderField } from './answer.ts';
import type { RateLimits } from './rate-limits.ts';

/** What the headers of one answer depend on. */
export interface ApiHeaderContext {
  readonly requestId: string;
  readonly clock: Clock;
  readonly rateLimits: RateLimits;
  readonly organizationId: string;
  readonly workspaceId: string;
}

/** All header fields of an answer except framing and coding, in the order and spelling of the recorded ones. */
export function apiHeaders(answer: Answer, context: ApiHeaderContext): HeaderField[] {
  if (answer.headerFamily === 'verbatim') return [...answer.headers];
  const random = createSeededRandom('headers', context.requestId);
  const ray = `${hex(random.base64(8))}-FRA`;
  const edge: HeaderField[] = [['Server', 'cloudflare'], ['CF-RAY', ray]];
  const date: HeaderField = ['Date', new Date(context.clock.now()).toUTCString()];
  if (answer.headerFamily === 'edge') return [date, ...answer.headers, ...edge];
  const account: HeaderField[] = answer.headerFamily === 'unauthenticated' ? [] : [
    ...answer.headerFamily === 'inference' ? context.rateLimits.headers() : [],
    ['anthropic-organization-id', context.organizationId],
    ['anthropic-workspace-id', context.workspaceId],
    ['traceresponse', `00-${hex(random.base64(16))}-${hex(random.base64(8))}-01`],
  ];
  return [
    date, ...answer.headers, ...account,
    ['request-id', context.requestId],
    ['strict-transport-security', 'max-age=31536000; includeSubDomains; preload'],
    ['server-timing', `x-originResponse;dur=${20 + random.integer(900)}`],
    ['x-envoy-upstream-service-time', String(18 + random.integer(900))],
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
    ['cf-cache-status', 'DYNAMIC'],
    // Sent so that a gateway that relays cookies is caught by its tests.
    ['set-cookie', `_cfuvid=${random.identifier(43)}-${context.clock.now()}-0.0.1.1-604800000; path=/; domain=.api.anthropic.com; HttpOnly; Secure; SameSite=None`],
    ['x-robots-tag', 'none'],
    ['via', '1.1 google'],
    ...edge,
  ];
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
