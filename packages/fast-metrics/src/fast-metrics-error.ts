/** Every code of a `FastMetricsError`. */
export const FAST_METRICS_ERROR_CODES = ['invalid_value', 'unknown_option', 'invalid_option', 'already_registered'] as const;

/**
 * `invalid_value`: a number that is no count or observation. `unknown_option`: an option that does not exist. `invalid_option`: one that is absent or
 * cannot be used. `already_registered`: the registry has a metric of that name.
 */
export type FastMetricsErrorCode = (typeof FAST_METRICS_ERROR_CODES)[number];

/** The error of this package; a `RangeError`, as prom-client's own are. */
export class FastMetricsError extends RangeError {
  override readonly name = 'FastMetricsError';
  readonly code: FastMetricsErrorCode;

  constructor(code: FastMetricsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether a value is a `FastMetricsError`. */
export function isFastMetricsError(value: unknown): value is FastMetricsError {
  return value instanceof FastMetricsError;
}
