/** What the routes of an OpenAI-compatible origin give access to, as `FrontDoorOptions.relayGroups` names it. */
export const RELAY_GROUPS = [
  'front_door', 'front_door_files', 'front_door_batches', 'front_door_state', 'front_door_admin', 'front_door_unknown',
] as const;

/** One of `RELAY_GROUPS`. */
export type RelayGroup = (typeof RELAY_GROUPS)[number];

/** The groups that are relayed where none are given: requests that leave nothing behind which another caller could see. */
export const DEFAULT_RELAY_GROUPS: readonly RelayGroup[] = ['front_door'];

/** What one caller may do; the application knows who is calling. */
export interface CallerAccess {
  /** Whether the caller may use a group. Chat Completions and the models routes are in `front_door`. */
  allowsRouteGroup(group: RelayGroup): boolean;
  /** Whether only some models are open to the caller, so that each model which a request may name must be readable. */
  readonly restrictsModels: boolean;
}
