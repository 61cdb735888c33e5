import type { UpstreamDispatchOptions } from '@penstock/upstream-client';
import type { GroupDispatchOptions, TryRequest } from '../group-options.ts';
import type { Member, ResolvedSettings } from '../resolve-settings.ts';
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

/** Makes what is sent to a member; throws for an edit that its body cannot have. Later tries get what is left of the wait for a connection. */
export function makeOutbound(made: TryRequest | undefined, { attempt, options, bodies, settings, slotWaitedMs }: TrySource): UpstreamDispatchOptions {
  const { timeouts } = options;
  const outbound = { ...options, ...made, body: bodies.next(made?.body), route: undefined };
  if (attempt === 1) return outbound;
  const leftMs = Math.max(1, (timeouts?.slotWaitMs ?? settings.slotWaitMs) - slotWaitedMs);
  const own = outbound.timeouts;
  return { ...outbound, timeouts: { ...own, slotWaitMs: Math.min(own?.slotWaitMs ?? leftMs, leftMs) } };
}

/** The members that may serve a request. */
export function findCandidates({ members, byName }: ResolvedSettings, { route }: GroupDispatchOptions): readonly Member[] {
  if (route?.only !== undefined) {
    const member = byName.get(route.only);
    return member === undefined ? [] : [member];
  }
  return route?.allows === undefined ? members : members.filter(({ name }) => route.allows?.(name) === true);
}
