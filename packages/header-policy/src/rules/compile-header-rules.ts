import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { printableName } from '../fields/field-syntax.ts';
import { FORWARDABLE_CREDENTIALS, protectedReason, RELIED_ON_FIELDS, SINGLETON_FIELDS } from '../fields/protected-fields.ts';
import { HeaderPolicyError } from '../header-policy-error.ts';
import { compileFieldPatterns, type FieldPatterns } from './field-pattern.ts';
import { DEFAULT_HEADER_LIMITS, type HeaderRules } from './header-rules.ts';

/** Rules validated and ready to look up. */
export interface CompiledHeaderRules {
  readonly allowRequest: FieldPatterns;
  readonly denyRequest: FieldPatterns;
  readonly denyResponse: FieldPatterns;
  readonly credentials: ReadonlySet<string>;
  /** Name to its place among the singletons. */
  readonly singletons: ReadonlyMap<string, number>;
  readonly reliedOn: FieldPatterns;
  readonly internal: FieldPatterns;
  readonly maxRequestFields: number;
  readonly maxResponseFields: number;
}

const RULES_TYPES: Readonly<Record<keyof HeaderRules, OptionType>> = Object.freeze({
  allowRequest: 'list', denyRequest: 'list?', denyResponse: 'list?', credentials: 'list?', singletons: 'list?', reliedOn: 'list?', internal: 'list?', maxRequestFields: 'number?', maxResponseFields: 'number?',
});

/** Validates rules once; throws a {@link HeaderPolicyError} `invalid_rules` that names the option, what it expects and what it got. */
export function compileHeaderRules(rules: HeaderRules): CompiledHeaderRules {
  const wrong = describeUnknownOption(rules, RULES_TYPES) ?? describeWrongOption(rules, RULES_TYPES);
  if (wrong !== undefined) throw new HeaderPolicyError('invalid_rules', wrong);
  const internal = compileFieldPatterns('internal', rules.internal ?? [], ['x-penstock-*']);
  const allowRequest = compileFieldPatterns('allowRequest', rules.allowRequest);
  for (const name of allowRequest.names) refuseProtected('allowRequest', name, internal);
  return {
    allowRequest,
    denyRequest: compileFieldPatterns('denyRequest', rules.denyRequest ?? []),
    denyResponse: compileFieldPatterns('denyResponse', rules.denyResponse ?? []),
    credentials: compileCredentials(rules.credentials ?? [], internal),
    singletons: new Map([...wholeNames('singletons', rules.singletons ?? [], SINGLETON_FIELDS)].map((name, place) => [name, place])),
    reliedOn: compileFieldPatterns('reliedOn', rules.reliedOn ?? [], RELIED_ON_FIELDS),
    internal,
    maxRequestFields: positiveInteger('maxRequestFields', rules.maxRequestFields ?? DEFAULT_HEADER_LIMITS.maxRequestFields),
    maxResponseFields: positiveInteger('maxResponseFields', rules.maxResponseFields ?? DEFAULT_HEADER_LIMITS.maxResponseFields),
  };
}

function compileCredentials(credentials: readonly string[], internal: FieldPatterns): ReadonlySet<string> {
  const names = wholeNames('credentials', credentials);
  for (const name of names) {
    // A name that is protected for another reason (a cookie, `proxy-authorization`) must not become forwardable by calling it a credential.
    if (protectedReason(name, 'request', internal) !== 'credential' || name === 'proxy-authorization') refuseProtected('credentials', name, internal);
  }
  return new Set([...FORWARDABLE_CREDENTIALS, ...names]);
}

/** An explicit name that can never take effect is a mistake worth stopping for; a prefix that merely covers one is not. */
function refuseProtected(option: string, name: string, internal: FieldPatterns): void {
  const reason = protectedReason(name, 'request', internal);
  if (reason === undefined) return;
  throw new HeaderPolicyError('invalid_rules', `${option} must not name a field that never crosses, received ${printableName(name)} (${reason})`);
}

function wholeNames(option: string, names: readonly string[], always: readonly string[] = []): ReadonlySet<string> {
  const prefix = names.find((name) => typeof name === 'string' && name.endsWith('*'));
  if (prefix !== undefined) {
    throw new HeaderPolicyError('invalid_rules', `${option} must hold whole field names, received ${printableName(prefix)}`);
  }
  return compileFieldPatterns(option, names, always).names;
}

function positiveInteger(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new HeaderPolicyError('invalid_rules', `${option} must be a positive integer, received ${String(value)}`);
}
