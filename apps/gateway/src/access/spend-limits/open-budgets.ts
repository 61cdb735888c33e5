import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { Logger } from 'pino';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { createServeUsage } from '../../ledger/usage/serve-usage.ts';
import type { PartConditions } from '../../observe/causes.ts';
import { describeError } from '../../observe/log/describe-error.ts';
import { createRequestId } from '../../request/request-id.ts';
import { createAdminAccess } from '../admin/admin-access.ts';
import { adminAnswer, AdminError, adminFailure, isAdminPath, MAY_SEND_BODY, USAGE_REPORT_PATH, type Administer, type AdminRequest } from '../admin/admin-exchange.ts';
import { budgetsOfConfig } from '../budgets/budget-book.ts';
import { createBudgets, type Budgets } from '../budgets/budgets.ts';
import type { SpendSource } from '../budgets/spend-index.ts';
import type { BearerAuthority } from '../identity/bearer-authority.ts';
import { followLimits, type LiveLimits } from './live-limits.ts';
import { createSpendLimitRoutes, rightOf } from './spend-limit-routes.ts';
import { createSpendLimitStore } from './spend-limit-store.ts';

/** What `/readyz` and the live page call the limits that were set over HTTP. */
const PART = 'spend_limits';
const MAY_CONTINUE = Object.freeze({});

/** The budgets of a gateway process with those that are set over HTTP. */
export interface OpenedBudgets {
  readonly budgets: Budgets;
  readonly administer: Administer;
  /** Budgets that are spent, and limits of the store that were never read. */
  conditions(): PartConditions;
  /** Takes a configuration; persons are recognised by the authority, which a reload makes anew. */
  update(config: GatewayConfig, authority: BearerAuthority | undefined): void;
  close(): void;
}

/** What they are opened with. */
export interface OpenBudgetsOptions {
  readonly config: GatewayConfig;
  readonly spend: SpendSource;
  readonly database: SqlDatabase;
  readonly logger?: Pick<Logger, 'info' | 'warn'> | undefined;
}

/** Opens the budgets, and reads those of the store: one that is down keeps no gateway from starting. */
export async function openBudgets({ config: initial, spend, database, logger }: OpenBudgetsOptions): Promise<OpenedBudgets> {
  const budgets = createBudgets(initial, spend);
  budgets.awaitLive();
  const store = createSpendLimitStore(database);
  const live = followLimits(store, (found) => budgets.setLive(found), {
    onFailure(error) {
      if (error === undefined) logger?.info('the limits that were set over HTTP are read again');
      else logger?.warn({ error: describeError(error), reason: error instanceof Error ? error.message : undefined }, 'the limits that were set over HTTP cannot be read');
    },
  });
  await live.refresh().catch(() => undefined);
  let config = initial;
  let access = createAdminAccess(config.admin, undefined);
  const routes = createSpendLimitRoutes(
    { store, ofConfiguration: () => budgetsOfConfig(config.budgets), changed: () => live.refresh() },
    { database, gate: budgets.gate, now: Date.now },
  );

  const serveUsage = createServeUsage(database);

  async function serve(request: AdminRequest): Promise<object> {
    if (!access.isOpen || !isAdminPath(request.path)) throw new AdminError(404, 'Not found: administration is off at this gateway (admin in its configuration).');
    const administrator = await access.admit(request.rawHeaders, rightOf(request.method));
    if (request.body === undefined) return MAY_CONTINUE;
    return request.path === USAGE_REPORT_PATH ? serveUsage(request) : routes(request, administrator);
  }

  return {
    budgets,
    administer: async (request) => {
      const requestId = createRequestId();
      return serve(request).then((value) => adminAnswer(value === MAY_CONTINUE ? MAY_SEND_BODY : 200, value, requestId), (error: unknown) => adminFailure(error, requestId));
    },
    conditions: () => ({ ...budgets.conditions(), ...conditionsOf(live) }),
    update(next, authority) {
      config = next;
      access = createAdminAccess(next.admin, authority);
      budgets.update(next);
    },
    close: () => live.close(),
  };
}

function conditionsOf(live: Pick<LiveLimits, 'neverRead'>): PartConditions {
  const unread = live.neverRead();
  if (unread === undefined) return {};
  return { [PART]: { cause: 'ledger_failing', party: 'spend limits', since: unread.since, detail: 'the limits that were set over HTTP were never read' } };
}
