/** What a {@link HeaderPolicyError} is about: rules that would break a guarantee, or additions that may not be sent. */
export type HeaderPolicyErrorCode = 'invalid_rules' | 'invalid_additions';

/** A mistake of the program that uses the policy, never of its client; its message holds no field value, since that may be a secret. */
export class HeaderPolicyError extends Error {
  override readonly name = 'HeaderPolicyError';
  readonly code: HeaderPolicyErrorCode;

  constructor(code: HeaderPolicyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Tells whether something thrown is a {@link HeaderPolicyError}, also when it came from another copy of this package. */
export function isHeaderPolicyError(error: unknown): error is HeaderPolicyError {
  return error instanceof Error && error.name === 'HeaderPolicyError' && 'code' in error;
}
