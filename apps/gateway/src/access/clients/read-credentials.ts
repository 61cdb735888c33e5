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
const API_KEY = 'x-api-key';
const GATEWAY_KEY = 'x-penstock-key';
const AUTHORIZATION = 'authorization';

/** Reads every credential field from flat raw headers (name, value, …); several lines of one field stay several values. */
export function readCredentials(rawHeaders: readonly string[]): PresentedCredentials {
  const apiKeys: string[] = [];
  const bearers: string[] = [];
  const gatewayKeys: string[] = [];
  let hasOtherScheme = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] as string;
    if (!hasLengthOfCredential(field)) continue;
    const value = (rawHeaders[index + 1] as string).trim();
    if (value === '') continue;
    const name = field.toLowerCase();
    if (name === API_KEY) apiKeys.push(value);
    else if (name === GATEWAY_KEY) gatewayKeys.push(value);
    else if (name === AUTHORIZATION) {
      const token = readBearer(value);
      if (token === undefined) hasOtherScheme = true;
      else bearers.push(token);
    }
  }
  return { apiKeys, bearers, gatewayKeys, hasOtherScheme };
}

/** Tells most other fields apart without a copy of their names in lower case. */
function hasLengthOfCredential({ length }: string): boolean {
  return length === API_KEY.length || length === GATEWAY_KEY.length || length === AUTHORIZATION.length;
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
