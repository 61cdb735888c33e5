import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import { AdminError, type AdminRequest } from '../../access/admin/admin-exchange.ts';
import { readUsage, type UsageReport } from './read-usage.ts';
import { readUsageQuery } from './usage-query.ts';

/** Serves `GET /v1/usage` to an administrator. Rejects with an `AdminError`, and with that of the store where it fails. */
export type ServeUsage = (request: Pick<AdminRequest, 'method' | 'query'>) => Promise<UsageReport>;

/** Reports that one process makes at once; one more is refused. */
export const MOST_USAGE_REPORTS = 4;

/** Makes the service of one process. */
export function createServeUsage(database: SqlDatabase): ServeUsage {
  let open = 0;
  return async ({ method, query: text }) => {
    if (method !== 'GET' && method !== 'HEAD') throw new AdminError(405, `Method ${method} is not allowed for this path.`, 'GET, HEAD');
    const query = readUsageQuery(new URLSearchParams(text), Date.now());
    if (typeof query === 'string') throw new AdminError(400, query);
    if (open >= MOST_USAGE_REPORTS) throw new AdminError(429, 'Too many reports are made at the moment.');
    open += 1;
    try {
      return await readUsage(database, query);
    } finally {
      open -= 1;
    }
  };
}
