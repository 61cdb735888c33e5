import type { InboundRequest } from '../request/inbound-request.ts';

/**
 * The origin under which a client reached the gateway, for sentences that name a base URL. The Host was checked before anything routes on
 * the request. `X-Forwarded-Proto` is believed here whoever wrote it: it chooses between two words in an answer to that same sender.
 */
export function publicOrigin({ request, head }: Pick<InboundRequest, 'request' | 'head'>): string {
  const forwarded = request.headers['x-forwarded-proto'];
  const nearest = String(forwarded ?? '').split(',').at(-1)?.trim().toLowerCase();
  return `${'encrypted' in request.socket || nearest === 'https' ? 'https' : 'http'}://${head.host}`;
}
