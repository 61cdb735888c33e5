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

/** Returns rules with more patterns; the rules given are not changed. The patterns are checked by `createHeaderPolicy`. */
export function extendHeaderRules(rules: HeaderRules, extension: HeaderRulesExtension): HeaderRules {
  return Object.freeze({
    ...rules,
    allowRequest: [...rules.allowRequest, ...(extension.allowRequest ?? [])],
    denyRequest: [...(rules.denyRequest ?? []), ...(extension.denyRequest ?? [])],
    denyResponse: [...(rules.denyResponse ?? []), ...(extension.denyResponse ?? [])],
  });
}
