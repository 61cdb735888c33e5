/** Why the package threw. */
export const CLAUDE_CODE_GATEWAY_ERROR_CODES = ['invalid_options', 'address_refused', 'redirect_refused'] as const;

/** One of `CLAUDE_CODE_GATEWAY_ERROR_CODES`. */
export type ClaudeCodeGatewayErrorCode = (typeof CLAUDE_CODE_GATEWAY_ERROR_CODES)[number];

/** The only error class of this package. */
export class ClaudeCodeGatewayError extends Error {
  readonly code: ClaudeCodeGatewayErrorCode;

  constructor(code: ClaudeCodeGatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClaudeCodeGatewayError';
    this.code = code;
  }
}

/** Whether a value is an error of this package. */
export function isClaudeCodeGatewayError(value: unknown): value is ClaudeCodeGatewayError {
  return value instanceof ClaudeCodeGatewayError;
}
