import { GatewayError } from '../request/gateway-error.ts';

/** Characters of a parameter's name that an error quotes. */
const MAX_NAME_LENGTH = 64;

/**
 * Checks the query of a request. Clouds take credentials in queries, too (`access_token`, `key`, `X-Amz-Signature`), and those of a caller must not
 * go on with the gateway's. Throws a `GatewayError` that names the first parameter that is not the one of this cloud.
 */
export function checkQuery(query: string, taken: string | undefined): void {
  if (query === '') return;
  const other = query.slice(1).split('&').find((parameter) => parameter !== '' && parameter !== taken);
  if (other === undefined) return;
  const [name = ''] = other.split('=', 1);
  throw new GatewayError('bad_request', `The query parameter ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))} is not taken here: ${taken === undefined ? 'these routes have no query' : `the query may only be ${taken}`}.`);
}
