/**
 * The groups into which the routes of OpenAI-compatible origins fall. The front door's package has the same list: this one stands here
 * because clients of either side are configured with it, and the native side must not reach that package.
 */
export const FRONT_DOOR_GROUPS = ['front_door', 'front_door_files', 'front_door_batches', 'front_door_state', 'front_door_admin', 'front_door_unknown'] as const;

/** One of `FRONT_DOOR_GROUPS`. */
export type FrontDoorGroup = (typeof FRONT_DOOR_GROUPS)[number];
