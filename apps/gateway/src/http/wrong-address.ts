import type { InboundRequest } from '../request/inbound-request.ts';
import { CLOUD_AREAS, CLOUD_CLIENTS_NOT_SERVED, describeBaseUrl } from './base-url.ts';
import type { Side } from '../request/request-record.ts';
import type { Refusal } from './refusal.ts';

/** A path that neither side serves, in the shape of the API that its client thinks it talks to. */
export interface WrongAddress {
  readonly side: Side | undefined;
  readonly refusal: Refusal;
}

const OPERATIONS: Refusal = {
  code: 'not_found',
  message: 'Not found: metrics and probes are served by the operations listener (operations.host and operations.port, 127.0.0.1:9464 unless configured) as /metrics, /livez and /readyz.',
};

/** First segments of paths that belong to the operations listener. */
const OPERATIONS_AREAS: ReadonlySet<string> = new Set(['metrics', 'livez', 'readyz', 'health', 'healthz']);

/** Operations that only Anthropic clients know. */
const ANTHROPIC_AREAS: ReadonlySet<string> = new Set(['messages', 'complete']);

/** Operations that only OpenAI clients know, where no version stands in front. */
const OPENAI_AREAS: ReadonlySet<string> = new Set(['completions', 'responses', 'embeddings', 'moderations', 'audio', 'images', 'uploads', 'conversations', 'assistants', 'threads', 'vector_stores']);

/** Operations of both APIs, whose clients differ by their header fields. */
const SHARED_AREAS: ReadonlySet<string> = new Set(['models', 'files']);

/**
 * Where a path outside of `/anthropic` should have gone: 421 for what only a wrong base URL makes, 404 for what is served elsewhere or not
 * at all; `undefined` for all other paths.
 */
export function findWrongAddress(inbound: InboundRequest): WrongAddress | undefined {
  const [, first = '', second = ''] = inbound.path.split('/', 3);
  if (first === 'v1') return underVersion(inbound, second);
  if (OPERATIONS_AREAS.has(first) && second === '') return { side: undefined, refusal: OPERATIONS };
  if (CLOUD_AREAS.has(first)) return cloudClient();
  if (ANTHROPIC_AREAS.has(first)) return misdirected(inbound, 'native', '/anthropic/v1');
  if (OPENAI_AREAS.has(first) || (first === 'chat' && second === 'completions')) return misdirected(inbound, 'front_door', '/v1');
  if (!SHARED_AREAS.has(first)) return undefined;
  return speaksAnthropic(inbound) ? misdirected(inbound, 'native', '/anthropic/v1') : misdirected(inbound, 'front_door', '/v1');
}

function underVersion(inbound: InboundRequest, second: string): WrongAddress | undefined {
  if (ANTHROPIC_AREAS.has(second)) return misdirected(inbound, 'native', '/anthropic');
  if (CLOUD_AREAS.has(second)) return cloudClient();
  // The list of the front door would pass a credential test of an Anthropic client whose every message is refused.
  if (second === 'models') return speaksAnthropic(inbound) ? misdirected(inbound, 'native', '/anthropic') : undefined;
  if (second !== 'v1') return undefined;
  const isAnthropic = ANTHROPIC_AREAS.has(inbound.path.split('/', 4)[3] ?? '') || speaksAnthropic(inbound);
  return misdirected(inbound, 'front_door', isAnthropic ? '/anthropic' : '/v1');
}

function speaksAnthropic({ request }: InboundRequest): boolean {
  return request.headers['anthropic-version'] !== undefined;
}

function misdirected(inbound: InboundRequest, side: Side, base: Parameters<typeof describeBaseUrl>[1]): WrongAddress {
  return { side, refusal: { code: 'misdirected', message: describeBaseUrl(inbound, base) } };
}

function cloudClient(): WrongAddress {
  return { side: 'native', refusal: { code: 'not_found', message: CLOUD_CLIENTS_NOT_SERVED } };
}
