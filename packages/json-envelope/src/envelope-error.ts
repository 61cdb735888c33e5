/** Why a text was refused; see {@link EnvelopeError}. */
export type EnvelopeErrorCode = 'invalid_json' | 'invalid_utf8' | 'too_deep' | 'too_large';

/**
 * Refuses a text. `byteOffset` counts from the text's first byte and names the first byte with which no acceptable text
 * can continue, or the text's length when it ended too early; how the text was cut into chunks makes no difference.
 */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  readonly code: EnvelopeErrorCode;
  readonly byteOffset: number;

  constructor(code: EnvelopeErrorCode, byteOffset: number, reason: string) {
    super(`${reason} at byte ${byteOffset}`);
    this.code = code;
    this.byteOffset = byteOffset;
  }
}

/** Tells whether a thrown value is an {@link EnvelopeError}. */
export function isEnvelopeError(error: unknown): error is EnvelopeError {
  return error instanceof EnvelopeError;
}
