import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { DEFAULT_INBOUND_LIMITS, type InboundLimits } from './inbound-limits.ts';
import { InboundServerError } from './inbound-server-error.ts';

/** The longest time a Node timer can hold, in milliseconds. */
const MAX_TIMER_MS = 2_147_483_647;

/** How each limit is checked. */
const LIMIT_KINDS: Readonly<Record<keyof InboundLimits, 'span' | 'count'>> = {
  headersTimeoutMs: 'span', connectionsCheckingIntervalMs: 'span', keepAliveTimeoutMs: 'span', unauthenticatedKeepAliveTimeoutMs: 'span',
  tcpKeepAliveMs: 'span', bodyStepTimeoutMs: 'span', lingerIdleMs: 'span', lingerMs: 'span',
  acceptBacklog: 'count', maxHeaderBytes: 'count', maxHeadersCount: 'count', bodyStepBytes: 'count',
};

/** Fills in and checks limits. Throws an `InboundServerError` that names the limit, the expectation and the value received. */
export function resolveInboundLimits(limits: Partial<InboundLimits> = {}): InboundLimits {
  refuseUnknown(limits, LIMIT_KINDS);
  const resolved: InboundLimits = { ...DEFAULT_INBOUND_LIMITS, ...limits };
  for (const [name, kind] of Object.entries(LIMIT_KINDS)) {
    const value: unknown = resolved[name as keyof InboundLimits];
    if (kind === 'count') requireCount(name, value);
    else if (typeof value !== 'number' || !(value > 0 && value <= MAX_TIMER_MS)) {
      throw new InboundServerError('invalid_option', `${name} must be a positive number of milliseconds up to ${MAX_TIMER_MS}, received ${String(value)}`);
    }
  }
  return resolved;
}

/** Throws an `InboundServerError` unless the value is a positive integer. */
export function requireCount(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) > 0) return;
  throw new InboundServerError('invalid_option', `${name} must be a positive integer, received ${String(value)}`);
}

/** Throws an `InboundServerError` for an option that is not known, is absent or has another type. */
export function checkOptions(options: object, types: Readonly<Record<string, OptionType>>): void {
  refuseUnknown(options, types);
  const problem = describeWrongOption(options, types);
  if (problem !== undefined) throw new InboundServerError('invalid_option', problem);
}

/** Throws an `InboundServerError` for an option that is not known. */
export function refuseUnknown(options: object, known: object): void {
  const problem = describeUnknownOption(options, known);
  if (problem !== undefined) throw new InboundServerError('unknown_option', problem);
}
