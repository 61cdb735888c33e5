/** Every code of an {@link EnvelopeOptionError}. */
export const ENVELOPE_OPTION_ERROR_CODES = ['invalid_option', 'unknown_option'] as const;

/** What is wrong with an option. */
export type EnvelopeOptionErrorCode = (typeof ENVELOPE_OPTION_ERROR_CODES)[number];

/** Thrown for options that cannot be used, never because of a text. The message names the option, the expectation and the value received. */
export class EnvelopeOptionError extends TypeError {
  override readonly name = 'EnvelopeOptionError';
  readonly code: EnvelopeOptionErrorCode;

  constructor(code: EnvelopeOptionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Tells whether a thrown value is an {@link EnvelopeOptionError}. */
export function isEnvelopeOptionError(error: unknown): error is EnvelopeOptionError {
  return error instanceof EnvelopeOptionError;
}
