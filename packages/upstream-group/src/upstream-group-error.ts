/** Every way a group itself can fail; the set is closed. Failures of its upstreams are those of their clients. */
export const UPSTREAM_GROUP_ERROR_CODES = ['invalid_option', 'unknown_option', 'no_member', 'try_refused'] as const;

/** One of `UPSTREAM_GROUP_ERROR_CODES`. */
export type UpstreamGroupErrorCode = (typeof UPSTREAM_GROUP_ERROR_CODES)[number];

/** The error of this package. `no_member`: no member may serve the request. `try_refused`: `requestFor` threw or rejected for the last member, `cause` is what. */
export class UpstreamGroupError extends Error {
  override readonly name = 'UpstreamGroupError';
  readonly code: UpstreamGroupErrorCode;

  constructor(code: UpstreamGroupErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Recognises an `UpstreamGroupError`, also one made by another copy of this package. */
export function isUpstreamGroupError(value: unknown): value is UpstreamGroupError {
  if (value instanceof UpstreamGroupError) return true;
  if (!(value instanceof Error) || value.name !== 'UpstreamGroupError' || !('code' in value)) return false;
  return UPSTREAM_GROUP_ERROR_CODES.some((code) => code === value.code);
}
