import type { UpstreamDispatchOptions } from '@penstock/upstream-client';
import type { GroupDispatchOptions, TryRequest } from '../group-options.ts';
import type { ResolvedSettings } from '../resolve-settings.ts';
import type { RequestBodies } from './request-bodies.ts';

/** One try: the number of the attempt, from 1, and what it is made from. */
export interface TrySource {
  readonly attempt: number;
  readonly options: GroupDispatchOptions;
  readonly bodies: RequestBodies;
  readonly settings: ResolvedSettings;
  /** How long earlier tries waited for connections of their pools, in milliseconds. */
  readonly slotWaitedMs: number;
}

/** What is sent, while it is made. */
type Outbound = { -readonly [Name in keyof UpstreamDispatchOptions]: UpstreamDispatchOptions[Name] } & { readonly route: undefined };

/** Makes what is sent to a member; throws for an edit that its body cannot have. Later tries get what is left of the wait for a connection. */
export function makeOutbound(made: TryRequest | undefined, { attempt, options, bodies, settings, slotWaitedMs }: TrySource): UpstreamDispatchOptions {
  // One copy, over which the rest is written: to merge objects costs several times as much.
  const outbound: Outbound = { ...options, body: bodies.next(made?.body), route: undefined };
  if (made?.path !== undefined) outbound.path = made.path;
  if (made?.headers !== undefined) outbound.headers = made.headers;
  if (made?.timeouts !== undefined) outbound.timeouts = made.timeouts;
  if (attempt === 1) return outbound;
  const leftMs = Math.max(1, (options.timeouts?.slotWaitMs ?? settings.slotWaitMs) - slotWaitedMs);
  const own = outbound.timeouts;
  outbound.timeouts = { ...own, slotWaitMs: Math.min(own?.slotWaitMs ?? leftMs, leftMs) };
  return outbound;
}
