import { FrontDoorError } from '../errors/front-door-error.ts';
import { accessOf, type FrontDoor } from '../routes/front-door.ts';
import type { Exchange } from '../routes/exchange.ts';
import { findNamedMembers } from './named-members.ts';
import type { RelayGroup } from './relay-groups.ts';

/** Parameters of a query that choose a model on some origins. */
const MODEL_PARAMETER = /^(?:models?|engine|deployment(?:_?id)?)$/iu;

function unreadable(where: string): FrontDoorError {
  return new FrontDoorError('bad_request', `The request may choose a model by ${where}, where it cannot be read; only some models are open to this client.`);
}

function requireGroupOf(member: string | undefined, group: RelayGroup, { isOpen }: { readonly isOpen: (group: RelayGroup) => boolean }): void {
  if (member === undefined || isOpen(group)) return;
  throw new FrontDoorError('forbidden', `'${member}' refers to what the upstream keeps; these routes (${group}) are not open to this client.`, { param: member });
}

/** Refuses a query that chooses a model, where models are restricted. */
export function checkQuery(frontDoor: FrontDoor, { ctx, target }: Exchange): void {
  if (target.query === '' || !accessOf(frontDoor, ctx).restrictsModels) return;
  for (const name of new URLSearchParams(target.query).keys()) {
    if (MODEL_PARAMETER.test(name)) throw unreadable(`the parameter '${name.slice(0, 40)}'`);
  }
}

/**
 * Looks through a JSON body for what its origin may act on besides `model`: files and state of callers that share the origin's account, for
 * a caller to whom their groups are closed, and other models, for one whose models are restricted. Gives the other models.
 */
export async function checkReferences(frontDoor: FrontDoor, exchange: Exchange, body: Uint8Array): Promise<readonly string[]> {
  const access = accessOf(frontDoor, exchange.ctx);
  const isOpen = (group: RelayGroup): boolean => frontDoor.relayGroups.has(group) && access.allowsRouteGroup(group);
  if (!access.restrictsModels && isOpen('front_door_files') && isOpen('front_door_state')) return [];
  const { models, unreadable: member, file, state } = await findNamedMembers(body);
  requireGroupOf(file, 'front_door_files', { isOpen });
  requireGroupOf(state, 'front_door_state', { isOpen });
  if (!access.restrictsModels) return [];
  if (member !== undefined) throw unreadable(`'${member}'`);
  return models;
}
