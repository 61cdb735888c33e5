import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { WholeResponse } from '@penstock/inbound-server';
import { createAdminKeys } from '../../access/admin/admin-keys.ts';
import type { AdminConfig } from '../../config/sections/admin-section.ts';
import type { UsageReport } from '../../ledger/usage/read-usage.ts';
import { readUsageQuery, type UsageQuery } from '../../ledger/usage/usage-query.ts';

/** Where `GET /v1/usage` reads from, and whose keys may ask. */
export interface UsageRouteOptions {
  /** The section that runs now. */
  readonly admin: () => Pick<AdminConfig, 'read_keys' | 'write_keys'>;
  /** Adds up what the store has; rejects where it fails. */
  readonly read: (query: UsageQuery) => Promise<UsageReport>;
}

/** Answers `GET /v1/usage`; `undefined` where there are no keys, so that the path does not exist. */
export type UsageRoute = (request: IncomingMessage) => Promise<WholeResponse | undefined>;

/** Reports that are made at once; one more is refused. */
export const MOST_USAGE_REPORTS = 4;

/** Makes the route. There is no exception for requests of this machine: a report names persons. */
export function createUsageRoute({ admin, read }: UsageRouteOptions): UsageRoute {
  let open = 0;
  return async ({ headersDistinct, url = '' }) => {
    const keys = createAdminKeys(admin());
    if (keys.size === 0) return undefined;
    const [key, ...others] = headersDistinct['x-api-key'] ?? [];
    if (key === undefined || others.length > 0 || keys.judge(key) === undefined) {
      return failure(401, 'authentication_error', 'The usage needs one key of admin.read_keys or admin.write_keys, as x-api-key.');
    }
    const query = readUsageQuery(new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length)), Date.now());
    if (typeof query === 'string') return failure(400, 'invalid_request_error', query);
    if (open >= MOST_USAGE_REPORTS) return failure(429, 'rate_limit_error', 'Too many reports are made at the moment.', ['retry-after', '1']);
    open += 1;
    try {
      return answer(200, await read(query));
    } catch {
      return failure(503, 'api_error', 'The store of the ledger cannot be read at the moment; the log has the reason.', ['retry-after', '5']);
    } finally {
      open -= 1;
    }
  };
}

function answer(status: number, value: unknown, extra: readonly string[] = []): WholeResponse {
  return { status, headers: ['content-type', 'application/json', 'cache-control', 'no-store', 'x-content-type-options', 'nosniff', ...extra], body: Buffer.from(JSON.stringify(value)) };
}

function failure(status: number, type: string, message: string, extra: readonly string[] = []): WholeResponse {
  return answer(status, { type: 'error', error: { type, message } }, extra);
}
