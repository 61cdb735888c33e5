import type { ChoiceRequest } from '../choice/choose-member.ts';
import { randomDigest } from '../choice/rank-members.ts';
import type { RoutedRequest } from '../group-options.ts';
import type { Member, ResolvedSettings } from '../resolve-settings.ts';
import type { GroupContext } from './group-context.ts';

/** What all choices of one request are made for. */
export interface WantedMember extends ChoiceRequest {
  /** Grows with each try. */
  readonly tried: Member[];
}

/** Reads what the choices of a request are made for. */
export function wantedMember(route: RoutedRequest, { keys, settings }: GroupContext): WantedMember {
  const { stickyKey, scope = '', owner = '' } = route;
  const key = stickyKey === undefined ? undefined : keys.find(owner, stickyKey);
  return { digest: key?.digest ?? randomDigest(), key: key?.text, remembered: key, owner, scope, candidates: findCandidates(settings, route), tried: [] };
}

/** The members that may serve a request: the list of all of them where each may. */
function findCandidates({ members, byName }: ResolvedSettings, route: RoutedRequest): readonly Member[] {
  if (route.only !== undefined) {
    const member = byName.get(route.only);
    return member === undefined ? [] : [member];
  }
  if (route.allows === undefined) return members;
  const refused = members.findIndex(({ name }) => route.allows?.(name) !== true);
  if (refused < 0) return members;
  return [...members.slice(0, refused), ...members.slice(refused + 1).filter(({ name }) => route.allows?.(name) === true)];
}
