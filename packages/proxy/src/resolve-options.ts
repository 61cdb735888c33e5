import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { ProxyError } from './proxy-error.ts';
import { DEFAULT_PROXY_LIMITS, type ProxyHooks, type ProxyLimits, type ProxyOptions, type ProxyRelayOptions } from './proxy-options.ts';

/** `upstream` and `policy` are checked by their methods. */
const OPTIONS: Readonly<Record<Exclude<keyof ProxyOptions, 'upstream' | 'policy'>, OptionType>> = { additions: 'object?', relay: 'object?', limits: 'object?', hooks: 'object?' };
const HOOKS: Readonly<Record<keyof ProxyHooks, OptionType>> = { onSettled: 'function?', onDropped: 'function?', onHead: 'function?', respondToFailure: 'function?' };
const RELAY: Readonly<Record<keyof ProxyRelayOptions, OptionType>> = {
  clientStallMs: 'number?', failureLingerMs: 'number?', observerGraceMs: 'number?', keepAlive: 'object?', plain: 'boolean?', failureEvent: 'function?', failureFrame: 'function?',
};
const LIMITS: Readonly<Record<keyof ProxyLimits, true>> = { maxRequestBytes: true, bodyStepTimeoutMs: true, bodyStepBytes: true };
const MAX_TIMER_MS = 2_147_483_647;

/** Checks options once, and fills in limits. Throws a `ProxyError`: `invalid_option` or `unknown_option`. */
export function resolveProxyLimits(options: ProxyOptions): ProxyLimits {
  refuseUnknown(options, { ...OPTIONS, upstream: true, policy: true } satisfies Record<keyof ProxyOptions, unknown>);
  refuseWrong('', options, OPTIONS);
  refuseUnknown(options.hooks ?? {}, HOOKS);
  refuseWrong('hooks.', options.hooks ?? {}, HOOKS);
  refuseUnknown(options.relay ?? {}, RELAY);
  refuseWrong('relay.', options.relay ?? {}, RELAY);
  refuseUnknown(options.limits ?? {}, LIMITS);
  requireMethod('upstream', options.upstream, 'dispatch');
  requireMethod('policy', options.policy, 'forwardRequestHeaders');
  const limits: ProxyLimits = { ...DEFAULT_PROXY_LIMITS, ...options.limits };
  for (const name of Object.keys(LIMITS) as (keyof ProxyLimits)[]) {
    const value: unknown = limits[name];
    const most = name === 'bodyStepTimeoutMs' ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= most) continue;
    throw new ProxyError('invalid_option', `${name} must be a positive integer up to ${most}, received ${String(value)}`);
  }
  return limits;
}

function refuseUnknown(options: object, known: object): void {
  const problem = describeUnknownOption(options, known);
  if (problem !== undefined) throw new ProxyError('unknown_option', problem);
}

function refuseWrong(within: string, options: object, types: Readonly<Record<string, OptionType>>): void {
  const problem = describeWrongOption(options, types);
  if (problem !== undefined) throw new ProxyError('invalid_option', within + problem);
}

function requireMethod(name: string, value: unknown, method: string): void {
  if (typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function') return;
  throw new ProxyError('invalid_option', `${name} must have a method ${method}`);
}
