/** Where a client's credential stood; `both` when `x-api-key` and a bearer were equal. */
export type CredentialSource = 'none' | 'x-api-key' | 'authorization' | 'both' | 'x-penstock-key';

/** The credentials of a request, each field's values in order; empty values count as absent. */
export interface PresentedCredentials {
  readonly apiKeys: readonly string[];
  /** Bearer tokens without their scheme. */
  readonly bearers: readonly string[];
  readonly gatewayKeys: readonly string[];
  /** An `authorization` of another scheme than Bearer. */
  readonly hasOtherScheme: boolean;
}

const BEARER = 'bearer ';

/** Reads every credential field from flat raw headers (name, value, …); several lines of one field stay several values. */
export function readCredentials(rawHeaders: readonly string[]): PresentedCredentials {
  const apiKeys: string[] = [];
  const bearers: string[] = [];
  const gatewayKeys: string[] = [];
  let hasOtherScheme = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const value = (rawHeaders[index + 1] ?? '').trim();
    if (value === '') continue;
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (name === 'x-api-key') apiKeys.push(value);
    else if (name === 'x-penstock-key') gatewayKeys.push(value);
    else if (name === 'authorization') {
      const token = readBearer(value);
      if (token === undefined) hasOtherScheme = true;
      else bearers.push(token);
    }
  }
  return { apiKeys, bearers, gatewayKeys, hasOtherScheme };
}

/** The token of a bearer (RFC 6750 section 2.1), without white space inside; `undefined` for another scheme. No expression: a signed token has a thousand characters. */
function readBearer(value: string): string | undefined {
  if (value.slice(0, BEARER.length).toLowerCase() !== BEARER) return undefined;
  const token = value.slice(BEARER.length).trimStart();
  return token.includes(' ') || token.includes('\t') ? undefined : token;
}

/** Names where the credentials stood. */
export function credentialSource({ apiKeys, bearers, gatewayKeys }: PresentedCredentials): CredentialSource {
  if (gatewayKeys.length > 0) return 'x-penstock-key';
  if (apiKeys.length > 0) return bearers.length > 0 ? 'both' : 'x-api-key';
  return bearers.length > 0 ? 'authorization' : 'none';
}
