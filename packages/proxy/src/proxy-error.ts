/** Every code of a `ProxyError`; the set is closed. */
export const PROXY_ERROR_CODES = [
  'invalid_option', 'unknown_option', 'invalid_request', 'too_many_fields', 'too_large', 'too_slow', 'client_gone', 'body_consumed', 'head_already_sent',
] as const;

/** Names why the proxy did not forward a request, or what is wrong with its options. */
export type ProxyErrorCode = (typeof PROXY_ERROR_CODES)[number];

/**
 * The one error of this package. `invalid_option` and `unknown_option` are thrown by `createProxyHandler`; the others are the `error` of one
 * request. Errors of the upstream and of the relay are reported as they are (`UpstreamError`, `RelayError`). No message contains a field value.
 */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;

  constructor(code: ProxyErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Whether a value is a `ProxyError`, also one made by another copy of this package. */
export function isProxyError(value: unknown): value is ProxyError {
  if (value instanceof ProxyError) return true;
  return value instanceof Error && value.name === 'ProxyError' && 'code' in value && PROXY_ERROR_CODES.some((code) => code === value.code);
}
