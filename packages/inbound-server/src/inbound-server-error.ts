/** Every code of an `InboundServerError`; the set is closed. */
export const INBOUND_SERVER_ERROR_CODES = ['invalid_option', 'unknown_option'] as const;

/** Names what is wrong with the options of `createInboundServer`. */
export type InboundServerErrorCode = (typeof INBOUND_SERVER_ERROR_CODES)[number];

/** Thrown by `createInboundServer` for options that cannot be used. Peers cause none: what they send wrong is answered, or ends their connection. */
export class InboundServerError extends TypeError {
  override readonly name = 'InboundServerError';
  readonly code: InboundServerErrorCode;

  constructor(code: InboundServerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether a value is an `InboundServerError`, also one made by another copy of this package. */
export function isInboundServerError(value: unknown): value is InboundServerError {
  if (value instanceof InboundServerError) return true;
  return value instanceof Error && value.name === 'InboundServerError' && 'code' in value && INBOUND_SERVER_ERROR_CODES.some((code) => code === value.code);
}
