import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { HeaderPolicyError } from '../header-policy-error.ts';
import type { HeaderRules } from './header-rules.ts';

/** What an operator may add to rules. */
export interface HeaderRulesExtension {
  /** More request fields that may cross. */
  readonly allowRequest?: readonly string[] | undefined;
  /** More request fields that may not, `baggage` for example. */
  readonly denyRequest?: readonly string[] | undefined;
  /** More response fields that may not. */
  readonly denyResponse?: readonly string[] | undefined;
}

const EXTENSION_TYPES = { allowRequest: 'list?', denyRequest: 'list?', denyResponse: 'list?' } as const satisfies Readonly<Record<keyof HeaderRulesExtension, OptionType>>;
const RULES_TYPES = { allowRequest: 'list', denyRequest: 'list?', denyResponse: 'list?' } as const;

/**
 * Returns rules with more patterns; the rules given are not changed. The patterns are checked by `createHeaderPolicy`.
 *
 * @throws HeaderPolicyError `invalid_rules` for an unknown list: a mistyped `denyRequest` would let its fields through.
 */
export function extendHeaderRules(rules: HeaderRules, extension: HeaderRulesExtension): HeaderRules {
  const wrong = describeUnknownOption(extension, EXTENSION_TYPES) ?? describeWrongOption(extension, EXTENSION_TYPES) ?? describeWrongOption({ rules }, { rules: 'object' }) ?? describeWrongOption(rules, RULES_TYPES);
  if (wrong !== undefined) throw new HeaderPolicyError('invalid_rules', wrong);
  return Object.freeze({
    ...rules,
    allowRequest: [...rules.allowRequest, ...(extension.allowRequest ?? [])],
    denyRequest: [...(rules.denyRequest ?? []), ...(extension.denyRequest ?? [])],
    denyResponse: [...(rules.denyResponse ?? []), ...(extension.denyResponse ?? [])],
  });
}
