/** What a `RelayError` can report. */
export type RelayErrorCode =
  | 'client_gone' | 'client_stalled' | 'refused' | 'interrupted' | 'truncated' | 'invalid_response' | 'head_already_sent' | 'invalid_option' | 'unknown_option';

/** The one error of this package. Messages name no host, header value or body text. */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: RelayErrorCode;

  constructor(code: RelayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether a value is a `RelayError`. */
export function isRelayError(value: unknown): value is RelayError {
  return value instanceof RelayError;
}

/** What a controller is aborted with: it takes errors only, and what an application throws may be none. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new RelayError('interrupted', 'the relay ended', { cause: error });
}
