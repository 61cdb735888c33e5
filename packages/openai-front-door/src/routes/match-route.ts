import { FrontDoorError } from '../errors/front-door-error.ts';
import type { RelayGroup } from '../relay/relay-groups.ts';
import { isAmbiguousPath, lenientPath, relayRoutesAt, UNKNOWN_RELAY_ROUTE, type RelayRoute } from '../relay/relay-routes.ts';
import { handleChatCompletions } from './chat-completions.ts';
import type { FrontDoor, RouteHandler } from './front-door.ts';
import { openAiBackends } from './front-door.ts';
import { handleListModels, handleRetrieveModel } from './models.ts';
import { describeNotServed } from './not-served.ts';
import { relayRoute } from './relay-anything.ts';
import { handleInputTokens, handleResponses } from './responses.ts';
import { underPrefix, type RequestTarget } from './request-target.ts';

/** A route's template, for metrics, and its handler. */
export interface MatchedRoute {
  readonly template: string;
  /** The group that the caller must be allowed; `undefined` where nothing is served. */
  readonly group: RelayGroup | undefined;
  readonly handle: RouteHandler;
  /** Whether the path is none of the OpenAI API: what follows in the application may have it. */
  readonly isForeign: boolean;
}

interface OwnRoute {
  readonly template: string;
  readonly method: string;
  readonly path: RegExp;
  readonly handle: RouteHandler;
}

const OWN_ROUTES: readonly OwnRoute[] = [
  { template: '/v1/chat/completions', method: 'POST', path: /^\/v1\/chat\/completions$/, handle: handleChatCompletions },
  { template: '/v1/responses', method: 'POST', path: /^\/v1\/responses$/, handle: handleResponses },
  { template: '/v1/responses/input_tokens', method: 'POST', path: /^\/v1\/responses\/input_tokens$/, handle: handleInputTokens },
  { template: '/v1/models', method: 'GET', path: /^\/v1\/models$/, handle: handleListModels },
  { template: '/v1/models/{id}', method: 'GET', path: /^\/v1\/models\/[^/]+$/, handle: handleRetrieveModel },
];

/** The label of a request that matched no route. */
export const UNMATCHED_TEMPLATE = '/v1/*';

const LONGEST_SHOWN_PATH = 200;

function refused(template: string, error: FrontDoorError): MatchedRoute {
  return { template, group: undefined, handle: () => Promise.reject(error), isForeign: false };
}

function notFound({ prefix }: FrontDoor, method: string, path: string, hint: string): MatchedRoute {
  const shown = path.length > LONGEST_SHOWN_PATH ? 'this path' : underPrefix(path, prefix);
  return refused(UNMATCHED_TEMPLATE, new FrontDoorError('not_found', `Unknown request URL: ${method} ${shown}. ${hint}`));
}

/** What is served without an origin that has more. */
function servedHere({ prefix }: FrontDoor): string {
  return OWN_ROUTES.map(({ method, template }) => `${method} ${underPrefix(template, prefix)}`).join(', ');
}

/** Whether a path that is not known may be relayed: not if some origin could read it as one that is, or what is closed would be open by another spelling. */
function isUnlikeAnyKnown(path: string): boolean {
  const read = lenientPath(path);
  return read !== undefined && relayRoutesAt(read).length === 0 && !OWN_ROUTES.some((route) => route.path.test(read));
}

/** What a lenient origin may take a known path for must be open under the same group (`realtime/client%5Fsecrets` makes keys). */
function hasOneReading(path: string, [known]: readonly RelayRoute[]): boolean {
  if (known === undefined) return true;
  const read = lenientPath(path);
  return read !== undefined && relayRoutesAt(read)[0]?.group === known.group;
}

function matchRelayed(frontDoor: FrontDoor, method: string, path: string, own: OwnRoute | undefined): MatchedRoute {
  const { relayGroups, settingNames } = frontDoor;
  if (isAmbiguousPath(path)) return refused(UNMATCHED_TEMPLATE, new FrontDoorError('bad_request', 'The path is ambiguous.'));
  const known = relayRoutesAt(path);
  if (!hasOneReading(path, known)) return notFound(frontDoor, method, path, 'The path can be read as another one.');
  const isUnknown = known.length === 0 && own === undefined;
  const candidates = isUnknown && isUnlikeAnyKnown(path) ? [UNKNOWN_RELAY_ROUTE] : known;
  const open = candidates.filter(({ group }) => relayGroups.has(group));
  const found = open.find((route) => route.methods.includes(method));
  if (found !== undefined) return { template: found.template, group: found.group, handle: relayRoute(found), isForeign: false };
  const allowed = [...own === undefined ? [] : [own.method], ...open.flatMap((route) => route.methods)];
  if (allowed.length > 0) return refused(own?.template ?? open[0]?.template ?? UNMATCHED_TEMPLATE, methodNotAllowed(method, allowed));
  const [closed] = candidates;
  const hint = closed === undefined ? 'The path can be read as another one.' : `These routes are switched off here: add "${closed.group}" to ${settingNames.relayGroups} to switch them on.`;
  return { ...notFound(frontDoor, method, path, hint), isForeign: closed === UNKNOWN_RELAY_ROUTE };
}

function methodNotAllowed(method: string, allowed: readonly string[]): FrontDoorError {
  const list = [...new Set(allowed)].join(', ');
  return new FrontDoorError('method_not_allowed', `${method} is not allowed here; use ${list}.`, { allow: list });
}

/** Finds the route of a request under `/v1`: one of the front door's own, or one that is relayed, whose group must be switched on. */
export function matchRoute(frontDoor: FrontDoor, method: string, { path }: RequestTarget): MatchedRoute {
  const own = OWN_ROUTES.find((route) => route.path.test(path));
  if (own?.method === method) return { template: own.template, group: 'front_door', handle: own.handle, isForeign: false };
  if (openAiBackends(frontDoor).length > 0) return matchRelayed(frontDoor, method, path, own);
  if (own !== undefined) return refused(own.template, methodNotAllowed(method, [own.method]));
  const isForeign = relayRoutesAt(path).length === 0 && isUnlikeAnyKnown(path) && !isAmbiguousPath(path);
  return { ...notFound(frontDoor, method, path, describeNotServed(path, servedHere(frontDoor), frontDoor.settingNames.backends)), isForeign };
}
