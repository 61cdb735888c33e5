import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import type { RenewalOptions } from './cloud-credential.ts';
import { CloudCredentialError } from './cloud-credential-error.ts';

/** The type of each option of every credential that is renewed. */
export const RENEWAL_TYPES: Readonly<Record<keyof RenewalOptions, OptionType>> = { onStatus: 'function?', onReplaced: 'function?', now: 'function?' };

/**
 * Checks the names and types of options. Throws `unknown_option` or `invalid_option`.
 * @param within where the options stand that are a member of others, such as `network.`
 */
export function checkOptions(options: object, types: Readonly<Record<string, OptionType>>, within = ''): void {
  const unknown = describeUnknownOption(options, types);
  if (unknown !== undefined) throw new CloudCredentialError('unknown_option', within + unknown);
  const wrong = describeWrongOption(options, types);
  if (wrong !== undefined) throw new CloudCredentialError('invalid_option', within + wrong);
}
