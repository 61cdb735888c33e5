import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { ObserverError } from './observer-error.ts';

/**
 * Refuses an option that does not exist, is absent or has another type. An object of a class has fields of its own and is not looked at: one is made
 * for each response. Throws `ObserverError` `unknown_option`, `invalid_option`.
 */
export function checkObserverOptions(options: object, types: Readonly<Record<string, OptionType>>): void {
  if (typeof options === 'object' && options !== null && Object.getPrototypeOf(options) !== Object.prototype) return;
  const unknown = describeUnknownOption(options, types);
  if (unknown !== undefined) throw new ObserverError('unknown_option', unknown);
  const wrong = describeWrongOption(options, types);
  if (wrong !== undefined) throw new ObserverError('invalid_option', wrong);
}
