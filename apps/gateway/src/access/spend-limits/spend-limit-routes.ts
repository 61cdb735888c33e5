import { AdminError, SPEND_LIMITS_PATH, type AdminRequest } from '../admin/admin-exchange.ts';
import type { Administrator } from '../admin/admin-keys.ts';
import { createListEffective, type EffectiveSources } from './effective-limits.ts';
import { deleteLimit, listAudit, listLimits, setLimit, showLimit, type SpendLimitServing } from './serve-spend-limits.ts';

/** Serves the limits of one gateway. */
export type SpendLimitRoutes = (request: AdminRequest, administrator: Administrator) => Promise<object>;

/** The right that a method needs. */
export function rightOf(method: string): Administrator['right'] {
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write';
}

/** Makes the routes. They reject with an `AdminError`, and with that of the store where it fails. */
export function createSpendLimitRoutes(serving: SpendLimitServing, sources: EffectiveSources): SpendLimitRoutes {
  const listEffective = createListEffective(sources);
  return (request, administrator) => {
    const { path, body = '' } = request;
    const rest = path.slice(SPEND_LIMITS_PATH.length + 1);
    const query = new URLSearchParams(request.query);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (rest === '') {
      if (method === 'GET') return listLimits(serving, query);
      if (method === 'POST') return setLimit(serving, body, administrator);
      throw notAllowed(method, 'GET, HEAD, POST');
    }
    if (rest === 'effective' || rest === 'audit') {
      if (method !== 'GET') throw notAllowed(method, 'GET, HEAD');
      return rest === 'audit' ? listAudit(serving, query) : listEffective(query);
    }
    if (method === 'GET') return showLimit(serving, rest);
    if (method === 'DELETE') return deleteLimit(serving, rest, administrator);
    throw notAllowed(method, 'GET, HEAD, DELETE');
  };
}

function notAllowed(method: string, allow: string): AdminError {
  return new AdminError(405, `Method ${method} is not allowed for this path.`, allow);
}
