/** A thrown value as an `Error`; anything may be thrown, an `Error` stays what it is. */
export function thrownError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

/** The `code` of a system, TLS or undici error, or the empty string. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
