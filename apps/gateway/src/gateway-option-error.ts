import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';

/** Names what is wrong with an option. */
export type GatewayOptionErrorCode = 'unknown_option' | 'invalid_option';

/** Thrown by the functions of this package for options that do not exist, are absent or have another type; what is wrong in a configuration is a `ConfigError`. */
export class GatewayOptionError extends TypeError {
  override readonly name = 'GatewayOptionError';
  readonly code: GatewayOptionErrorCode;

  constructor(code: GatewayOptionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether a value is a `GatewayOptionError`. */
export function isGatewayOptionError(value: unknown): value is GatewayOptionError {
  return value instanceof GatewayOptionError;
}

/** Checks the names and types of options, once. Throws a `GatewayOptionError`. */
export function checkOptions(options: object, types: Readonly<Record<string, OptionType>>): void {
  const unknown = describeUnknownOption(options, types);
  if (unknown !== undefined) throw new GatewayOptionError('unknown_option', unknown);
  const wrong = describeWrongOption(options, types);
  if (wrong !== undefined) throw new GatewayOptionError('invalid_option', wrong);
}

/**
 * Checks the types of options that may have more members than are read, as those of a command have. Where one is wrong, a member that is not known is named first:
 * it may be the one that is absent, mistyped. Throws a `GatewayOptionError`.
 */
export function checkTypes(options: object, types: Readonly<Record<string, OptionType>>): void {
  if (typeof options !== 'object' || options === null) {
    checkOptions(options, types);
    return;
  }
  const wrong = describeWrongOption(options, types);
  if (wrong === undefined) return;
  const unknown = describeUnknownOption(options, types);
  if (unknown?.includes('did you mean') === true) throw new GatewayOptionError('unknown_option', unknown);
  throw new GatewayOptionError('invalid_option', wrong);
}
