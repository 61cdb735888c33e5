/** Names what is wrong with an option. */
export type UsageOptionErrorCode = 'unknown_option' | 'invalid_option';

/** Thrown for options that do not exist or cannot be used; never because of a response. */
export class UsageOptionError extends TypeError {
  override readonly name = 'UsageOptionError';
  readonly code: UsageOptionErrorCode;

  constructor(code: UsageOptionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether a value is a `UsageOptionError`. */
export function isUsageOptionError(value: unknown): value is UsageOptionError {
  return value instanceof UsageOptionError;
}
