import type { Member, ResolvedSettings } from '../resolve-settings.ts';
import type { MoveTable } from './move-table.ts';
import { digestOf, rankOf, type Digest } from './rank-members.ts';
import { textOf, type StickyKey } from './sticky-keys.ts';

/** What a choice is made for. */
export interface ChoiceRequest {
  /** Of the sticky key; of chance where there is none. */
  readonly digest: Digest;
  /** The key in the table of moves; `undefined` for a request that sticks to nothing. */
  readonly key: string | undefined;
  /** Where its digest was remembered, and its home can be; absent where it was not. */
  readonly remembered?: StickyKey | undefined;
  readonly owner: string;
  readonly scope: string;
  /** Those that may serve it, the tried ones included. */
  readonly candidates: readonly Member[];
  readonly tried: readonly Member[];
}

/** The member that gets the request next. */
export interface Choice {
  readonly member: Member;
  /** The member from which the session is moved; `undefined` where it stays. */
  readonly movedFrom: Member | undefined;
  /** What is moved, in the table of moves: the session, or one model of it where only that is ill or spent; `undefined` where it stays. */
  readonly movedKey: string | undefined;
}

/** How fit a member is: the smaller the better. */
type Fitness = 0 | 1 | 2;
const WELL = 0;
const LOW = 1;
const COOLING = 2;

/**
 * Chooses the member for the next try; `undefined` where all candidates were tried.
 *
 * A session stays where its key, or the last move, puts it, while that member is fit. Else it goes to the fittest of the others, of the lowest tier, by
 * its rank; cool-downs put off and do not exclude: the last candidate is always tried. A full pool sends one request elsewhere, not its session. Where
 * one model is ill or spent at a member, that model of the session moves, and its others stay.
 */
export function chooseMember(request: ChoiceRequest, { spillAt }: Pick<ResolvedSettings, 'spillAt'>, moves: MoveTable, now: number): Choice | undefined {
  const { candidates, tried, scope, key } = request;
  const open = tried.length === 0 ? candidates : candidates.filter((member) => !tried.includes(member));
  if (open.length === 0) return undefined;
  const scopedKey = key === undefined || moves.size === 0 ? undefined : keyOfScope(key, scope);
  const movedScope = scopedKey === undefined ? undefined : moves.find(scopedKey, now);
  const movedTo = movedScope ?? (key === undefined ? undefined : moves.find(key, now));
  const home = (movedTo === undefined ? undefined : candidates.find(({ name }) => name === movedTo)) ?? homeOf(request);
  // Most requests are the first try of one that stays where it is; the others are not looked at for it.
  if (tried.length === 0 && fitnessOf(home, scope, now) === WELL && (open.length === 1 || home.client.load() < spillAt)) return staying(home);
  const best = fittest(open, request, now);
  // What has just failed this request is ill, however short its cool-down.
  const fitness = tried.includes(home) && !home.health.isWell(scope) ? COOLING : fitnessOf(home, scope, now);
  const stays = open.includes(home) && isAsFit(home, best, scope, now);
  const chosen = stays ? home : best;
  const member = spilled(chosen, open, request, spillAt, now);
  if (key === undefined || chosen === home || fitness === WELL || fitnessOf(chosen, scope, now) === COOLING) return staying(member);
  const movesWhole = movedScope === undefined && home.health.isIllAsWhole();
  return { member, movedFrom: home, movedKey: movesWhole ? key : keyOfScope(key, scope) };
}

/** A choice that moves nothing. */
function staying(member: Member): Choice {
  return { member, movedFrom: undefined, movedKey: undefined };
}

/** The key of one model of a session. A digest: the names of models are as long as clients make them. */
function keyOfScope(key: string, scope: string): string {
  return textOf(digestOf(key, scope));
}

/** Where the key alone puts a session. */
function homeOf(request: ChoiceRequest): Member {
  const { remembered, candidates } = request;
  if (remembered?.home?.among === candidates) return remembered.home.member;
  const member = highest(candidates, request);
  if (remembered !== undefined) remembered.home = { among: candidates, member };
  return member;
}

/** The highest rank of the lowest tier. */
function highest(members: readonly Member[], { digest }: ChoiceRequest): Member {
  let best = members[0] as Member;
  let bestRank = rankOf(digest, best.digest, best.weight);
  for (let index = 1; index < members.length; index += 1) {
    const member = members[index] as Member;
    if (member.tier > best.tier) continue;
    const rank = rankOf(digest, member.digest, member.weight);
    if (member.tier < best.tier || rank > bestRank) {
      best = member;
      bestRank = rank;
    }
  }
  return best;
}

function fittest(members: readonly Member[], request: ChoiceRequest, now: number): Member {
  const { scope } = request;
  for (const fitness of [WELL, LOW] as const) {
    const fit = members.filter((member) => fitnessOf(member, scope, now) === fitness);
    if (fit.length > 0) return highest(fit, request);
  }
  // All of them cool down: the one that is over it first.
  return members.reduce((first, member) => (member.health.coolsUntil(scope) < first.health.coolsUntil(scope) ? member : first));
}

function fitnessOf({ health }: Member, scope: string, now: number): Fitness {
  if (!health.isUsable(scope, now)) return COOLING;
  return health.isLow(scope, now) ? LOW : WELL;
}

function isAsFit(home: Member, best: Member, scope: string, now: number): boolean {
  const fitness = fitnessOf(home, scope, now);
  // Where all cool down, the one goes first that is over it first.
  if (fitness === COOLING) return fitnessOf(best, scope, now) === COOLING && home.health.coolsUntil(scope) <= best.health.coolsUntil(scope);
  return fitness <= fitnessOf(best, scope, now);
}

/** Another well member with room, where the chosen one has none. */
function spilled(chosen: Member, open: readonly Member[], request: ChoiceRequest, spillAt: number, now: number): Member {
  if (open.length === 1 || chosen.client.load() < spillAt) return chosen;
  const roomy = open.filter((member) => member !== chosen && fitnessOf(member, request.scope, now) === WELL && member.client.load() < spillAt);
  return roomy.length === 0 ? chosen : highest(roomy, request);
}
