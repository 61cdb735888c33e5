import type { Choice, ChoiceRequest } from '../choice/choose-member.ts';
import type { StickyKeys } from '../choice/sticky-keys.ts';
import type { Failover, GroupDispatchOptions, RoutedRequest, TryFailure } from '../group-options.ts';
import type { Member, ResolvedSettings } from '../resolve-settings.ts';

/** What an exchange needs of its group. */
export interface GroupContext {
  /** Those in force when the request came. */
  readonly settings: ResolvedSettings;
  /** The digests of keys, computed once for many requests. */
  readonly keys: StickyKeys;
  choose(request: ChoiceRequest, now: number): Choice | undefined;
  quotaSeen(member: Member, scope: string, rawHeaders: readonly string[], beganAt: number): void;
  failedOver(route: RoutedRequest, failover: Failover): void;
  answeredBy(route: RoutedRequest, member: string, dropped: TryFailure): void;
}

/** Of a request that any member may serve. */
export const ANY_ROUTE: RoutedRequest = Object.freeze({});

/** Stands in for the options of a request that is not sent again. */
export const RELEASED_OPTIONS: GroupDispatchOptions = Object.freeze({ method: 'GET', path: '/' });

/** What was thrown, as an error. */
export function thrownError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Calls what a caller gave; an exception there must decide about no request, nor end the process on a timer. It goes to `process.emitWarning`. */
export function reportThrown(call: () => void): void {
  try {
    call();
  } catch (error) {
    process.emitWarning(`a callback of the upstream group threw: ${error instanceof Error ? error.name : typeof error}`, 'UpstreamGroupWarning');
  }
}
