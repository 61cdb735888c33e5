import { CloudCredentialError } from '../cloud-credential-error.ts';

/** Bytes of the longest bearer. */
export const MAX_TOKEN_BYTES = 16_384;

/** What may stand in a header field without being two of them: visible ASCII (RFC 9110 section 5.5). */
const ONE_WORD = /^[\x21-\x7e]+$/;

/** The header field of a bearer. Throws `invalid_value` where it cannot stand in one; `source` is what the error names. */
export function bearerFields(token: unknown, source: string): readonly string[] {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_BYTES || !ONE_WORD.test(token)) {
    throw new CloudCredentialError('invalid_value', `${source} must give one line of at most ${MAX_TOKEN_BYTES} bytes without spaces`);
  }
  return Object.freeze(['authorization', `Bearer ${token}`]);
}
