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

/**
 * Checks the names and types of options, once. Throws a `GatewayOptionError`.
 * @param within where the options stand that are a member of others, such as `config.`
 */
export function checkOptions(options: object, types: Readonly<Record<string, OptionType>>, within = ''): void {
  const unknown = describeUnknownOption(options, types);
  if (unknown !== undefined) throw new GatewayOptionError('unknown_option', within + unknown);
  checkTypes(options, types, within);
}

/** Checks the types of options of which there may be others. Throws a `GatewayOptionError`. */
export function checkTypes(options: object, types: Readonly<Record<string, OptionType>>, within: string): void {
  const wrong = describeWrongOption(options, types);
  if (wrong !== undefined) throw new GatewayOptionError('invalid_option', within + wrong);
}
