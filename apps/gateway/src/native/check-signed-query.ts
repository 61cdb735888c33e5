import { GatewayError } from '../request/gateway-error.ts';

/** What the query parameters of a signature begin with (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html). */
const SIGNATURE_PREFIX = 'x-amz-';
/** Characters of a parameter's name that an error quotes. */
const MAX_NAME_LENGTH = 64;

/**
 * Checks a query that may go to an upstream that takes signed requests: a parameter of a signature there would be one of the caller's beside the gateway's.
 * Throws a `GatewayError` that names it. Names count as they are decoded, in any case.
 */
export function checkSignedQuery(query: string): void {
  for (const name of new URLSearchParams(query).keys()) {
    if (!name.toLowerCase().startsWith(SIGNATURE_PREFIX)) continue;
    throw new GatewayError('bad_request', `The query parameter ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))} is one of a signature of AWS, and this gateway signs its requests itself.`);
  }
}
