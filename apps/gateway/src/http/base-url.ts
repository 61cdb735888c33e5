import type { InboundRequest } from '../request/inbound-request.ts';

/** The part of a request that names the address its client used. */
export type ReachedRequest = Pick<InboundRequest, 'request' | 'head'>;

/**
 * The origin under which a client reached the gateway, for sentences that name a base URL. The Host was checked before anything routes on
 * the request. `X-Forwarded-Proto` is used here from any sender: it chooses between `http` and `https` in an answer to that same sender.
 */
function publicOrigin({ request, head }: ReachedRequest): string {
  const forwarded = request.headers['x-forwarded-proto'];
  const nearest = String(forwarded ?? '').split(',').at(-1)?.trim().toLowerCase();
  return `${'encrypted' in request.socket || nearest === 'https' ? 'https' : 'http'}://${head.host}`;
}

/** First segments of what clients of clouds ask for: Bedrock's `/model/{id}/invoke`, Vertex's `/projects/{id}/…`. */
export const CLOUD_AREAS: ReadonlySet<string> = new Set(['model', 'projects']);

/** The sentence for clients of clouds, whose protocols have paths and framing of their own, where they are not below the prefix of one. */
export const CLOUD_CLIENTS_NOT_SERVED = 'Not found: clients for Bedrock or Vertex AI are served under /bedrock and /vertex/v1, where this gateway is configured for them: set the base URL of this client. Others use a client for the Anthropic API itself.';

/** The sentence for a client whose base URL is wrong. */
export function describeBaseUrl(inbound: ReachedRequest, base: '/anthropic' | '/anthropic/v1' | '/v1'): string {
  const reason = base === '/v1' ? 'OpenAI clients are served under /v1' : base === '/anthropic/v1' ? 'this client leaves the /v1 of a path to its base URL' : 'this client puts /v1 in front of its paths itself';
  return `The base URL of this client is wrong: set it to ${publicOrigin(inbound)}${base} (${reason}).`;
}
