/** What went wrong in a call of this package. */
export type UpstreamMetricsErrorCode = 'invalid_option' | 'unknown_option' | 'already_registered' | 'duplicate_upstream';

/** A programming mistake in registering metrics; recording them never throws. */
export class UpstreamMetricsError extends Error {
  override readonly name = 'UpstreamMetricsError';
  readonly code: UpstreamMetricsErrorCode;

  constructor(code: UpstreamMetricsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether `error` came from this package, also when two copies of it are loaded. */
export function isUpstreamMetricsError(error: unknown): error is UpstreamMetricsError {
  return error instanceof Error && error.name === 'UpstreamMetricsError' && 'code' in error;
}
