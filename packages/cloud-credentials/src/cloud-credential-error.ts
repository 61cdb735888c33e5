/** Every way a credential can fail; the set is closed. */
export const CLOUD_CREDENTIAL_ERROR_CODES = [
  'invalid_option', 'unknown_option', 'library_missing', 'command_failed', 'timeout', 'unavailable', 'invalid_value', 'expired', 'invalid_request', 'closed',
] as const;

/** One of `CLOUD_CREDENTIAL_ERROR_CODES`. */
export type CloudCredentialErrorCode = (typeof CLOUD_CREDENTIAL_ERROR_CODES)[number];

/**
 * The error of this package. The message names the source (a command, a file, a provider) and never holds what came of it; there is no `cause`, since the
 * errors of parsers quote what they read.
 */
export class CloudCredentialError extends Error {
  override readonly name = 'CloudCredentialError';
  readonly code: CloudCredentialErrorCode;

  constructor(code: CloudCredentialErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Recognises a `CloudCredentialError`, also one made by another copy of this package. */
export function isCloudCredentialError(value: unknown): value is CloudCredentialError {
  if (value instanceof CloudCredentialError) return true;
  if (!(value instanceof Error) || value.name !== 'CloudCredentialError' || !('code' in value)) return false;
  return CLOUD_CREDENTIAL_ERROR_CODES.some((code) => code === value.code);
}

/** What a library or the system failed with, in identifiers: its name and code, without its message, which may quote a secret. */
export function describeFailure(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  // MSAL calls it `errorCode`.
  const { code = '', errorCode = code } = thrown as { readonly code?: unknown; readonly errorCode?: unknown };
  return [thrown.name, String(errorCode)].filter((part) => /^[\w.-]{1,80}$/.test(part)).join(' ') || 'Error';
}
