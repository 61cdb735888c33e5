import type { WholeResponse } from '@penstock/inbound-server';
import { createRequestId } from '../request/request-id.ts';
import { describeRefusal, type Refusal } from './refusal.ts';

const REFUSALS: Readonly<Record<number, Refusal>> = {
  408: { code: 'request_timeout', message: 'The request head arrived too slowly.' },
  413: { code: 'too_large', message: 'The chunk extensions of the request are too large.' },
  431: { code: 'header_overflow', message: 'The request header fields are too large or too many.' },
};

/** The answer to a request that the HTTP parser refused. It has no known path, and most clients here speak to the Anthropic side. */
export function describeParserError(status: number): WholeResponse {
  return describeRefusal(REFUSALS[status] ?? { code: 'bad_request', message: 'The request could not be parsed.' }, 'native', createRequestId());
}
