/** What an `ObserverError` can report. */
export type ObserverErrorCode = 'event_too_large' | 'event_ambiguous' | 'invalid_frame' | 'body_too_large' | 'member_too_large' | 'lagging' | 'decoding' | 'unsupported_coding' | 'invalid_json' | 'invalid_option' | 'unknown_option';

/** Why an observer could not read something. Never thrown into the byte path; no text of the body is in its message. */
export class ObserverError extends Error {
  override readonly name = 'ObserverError';
  readonly code: ObserverErrorCode;

  constructor(code: ObserverErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether a value is an `ObserverError`. */
export function isObserverError(value: unknown): value is ObserverError {
  return value instanceof ObserverError;
}
