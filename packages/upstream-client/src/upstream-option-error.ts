/** Every code of an `UpstreamOptionError`; the set is closed. */
export const UPSTREAM_OPTION_ERROR_CODES = ['invalid_option', 'unknown_option'] as const;

/** Names what is wrong with an option. */
export type UpstreamOptionErrorCode = (typeof UPSTREAM_OPTION_ERROR_CODES)[number];

/**
 * Thrown for options that cannot be used, by `createUpstreamClient`, `resize`, `setTimeouts` and `proxyFromEnvironment`; never because of a
 * request. The message names the option, the expectation and the value received, but no key, certificate or proxy password.
 */
export class UpstreamOptionError extends TypeError {
  override readonly name = 'UpstreamOptionError';
  readonly code: UpstreamOptionErrorCode;

  constructor(code: UpstreamOptionErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Whether a value is an `UpstreamOptionError`, also one made by another copy of this package. */
export function isUpstreamOptionError(value: unknown): value is UpstreamOptionError {
  if (value instanceof UpstreamOptionError) return true;
  return value instanceof Error && value.name === 'UpstreamOptionError' && 'code' in value && UPSTREAM_OPTION_ERROR_CODES.some((code) => code === value.code);
}
