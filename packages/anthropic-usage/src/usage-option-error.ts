/** Thrown by `createUsageObserver` for an option that does not exist; never because of a response. */
export class UsageOptionError extends TypeError {
  override readonly name = 'UsageOptionError';
  readonly code = 'unknown_option';
}

/** Whether a value is a `UsageOptionError`. */
export function isUsageOptionError(value: unknown): value is UsageOptionError {
  return value instanceof UsageOptionError;
}
