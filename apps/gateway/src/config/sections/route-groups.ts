/** The groups into which the native routes fall. */
export const ROUTE_GROUPS = ['messages', 'models', 'batches', 'files', 'skills', 'agents', 'oauth_token', 'admin'] as const;

/** One of `ROUTE_GROUPS`. */
export type RouteGroup = (typeof ROUTE_GROUPS)[number];

/**
 * The groups into which the routes of OpenAI-compatible origins fall. The front door's package has the same list: this one stands here
 * because clients of either side are configured with it, and the native side must not reach that package.
 */
export const FRONT_DOOR_GROUPS = ['front_door', 'front_door_files', 'front_door_batches', 'front_door_state', 'front_door_admin', 'front_door_unknown'] as const;

/** One of `FRONT_DOOR_GROUPS`. */
export type FrontDoorGroup = (typeof FRONT_DOOR_GROUPS)[number];

/** Each cloud in its own format is one group. */
export const CLOUD_GROUPS = ['bedrock', 'vertex'] as const;

/** The values of a client's `routes`: the native groups, continued message threads, paths that the native side does not know, the groups of the front door, and the clouds. */
export const CLIENT_ROUTES: readonly [...typeof ROUTE_GROUPS, 'message_threads', 'unknown', ...typeof FRONT_DOOR_GROUPS, ...typeof CLOUD_GROUPS] = [...ROUTE_GROUPS, 'message_threads', 'unknown', ...FRONT_DOOR_GROUPS, ...CLOUD_GROUPS];

/** One of `CLIENT_ROUTES`. */
export type ClientRoute = (typeof CLIENT_ROUTES)[number];

/** Who may use a group of routes. */
export interface GroupTraits {
  /** Whether it shows one client the objects of another in the same workspace, so that with two or more clients `routes` must name it. */
  readonly isShared: boolean;
  /** Whether its requests choose models where the gateway cannot read them: closed to clients with `models`. */
  readonly hidesModels: boolean;
  /** Whether its requests spend money that their answers do not report: closed to callers with budgets unless their own `routes` names it. */
  readonly spendsUnseen: boolean;
  /** Whether it is in the default of `route_groups`. */
  readonly isServedByDefault: boolean;
}

const OPEN: GroupTraits = { isShared: false, hidesModels: false, spendsUnseen: false, isServedByDefault: true };
const SHARED: GroupTraits = { ...OPEN, isShared: true };
const SHARED_AND_HIDDEN: GroupTraits = { ...SHARED, hidesModels: true, spendsUnseen: true };

/** The traits of every group. Access of clients, defaults and documentation follow from this table. */
export const GROUP_TRAITS: Readonly<Record<ClientRoute, GroupTraits>> = {
  messages: OPEN,
  models: OPEN,
  batches: { ...SHARED_AND_HIDDEN, spendsUnseen: false },
  files: SHARED,
  skills: SHARED,
  agents: { ...SHARED_AND_HIDDEN, isServedByDefault: false },
  // The token that its answer grants is an account's: it reaches all models and what others keep there.
  oauth_token: { ...SHARED_AND_HIDDEN, spendsUnseen: false, isServedByDefault: false },
  admin: { ...SHARED_AND_HIDDEN, spendsUnseen: false, isServedByDefault: false },
  message_threads: SHARED,
  unknown: { ...SHARED_AND_HIDDEN, isServedByDefault: false },
  front_door: OPEN,
  front_door_files: SHARED,
  front_door_batches: SHARED_AND_HIDDEN,
  front_door_state: { ...SHARED_AND_HIDDEN, spendsUnseen: false },
  front_door_admin: { ...SHARED_AND_HIDDEN, spendsUnseen: false, isServedByDefault: false },
  front_door_unknown: { ...SHARED_AND_HIDDEN, isServedByDefault: false },
  bedrock: OPEN,
  vertex: OPEN,
};

/** The groups of a list that have a trait, or lack it. */
export function groupsWith<Group extends ClientRoute>(groups: readonly Group[], trait: keyof GroupTraits, value = true): Group[] {
  return groups.filter((group) => GROUP_TRAITS[group][trait] === value);
}
