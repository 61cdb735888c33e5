import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { Logger } from 'pino';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { createServeUsage } from '../../ledger/usage/serve-usage.ts';
import type { PartConditions } from '../../observe/causes.ts';
import { describeError } from '../../observe/log/describe-error.ts';
import { createRequestId } from '../../request/request-id.ts';
import { createAdminAccess } from '../admin/admin-access.ts';
import { adminAnswer, AdminError, adminFailure, AdminRefusal, isAdminPath, MAY_SEND_BODY, USAGE_REPORT_PATH, type Administer, type AdminRequest } from '../admin/admin-exchange.ts';
import type { Administrator } from '../admin/admin-keys.ts';
import { createAdministrationObserver, type AdministrationTraces } from '../admin/observe-administration.ts';
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
export interface OpenBudgetsOptions extends Omit<AdministrationTraces, 'logger'> {
  readonly config: GatewayConfig;
  readonly spend: SpendSource;
  readonly database: SqlDatabase;
  readonly logger?: Pick<Logger, 'info' | 'warn'> | undefined;
}

/** Opens the budgets, and reads those of the store: one that is down keeps no gateway from starting. */
export async function openBudgets({ config: initial, spend, database, logger, registry, auditLog }: OpenBudgetsOptions): Promise<OpenedBudgets> {
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
    { store, ofConfiguration: () => budgetsOfConfig(config.budgets, config.identity), identity: () => config.identity, changed: () => live.refresh() },
    { database, gate: budgets.gate, identity: () => config.identity, now: Date.now },
  );

  const serveUsage = createServeUsage(database);
  const observer = createAdministrationObserver({ registry, logger, auditLog });

  async function admit(request: AdminRequest, requestId: string): Promise<Administrator> {
    try {
      return await access.admit(request.rawHeaders, rightOf(request.method));
    } catch (error) {
      if (error instanceof AdminRefusal) observer.refused({ request, requestId, actor: undefined }, error);
      throw error;
    }
  }

  async function change(request: AdminRequest, requestId: string, administrator: Administrator): Promise<object> {
    const act = { request, requestId, actor: administrator.actor };
    try {
      const changed = await routes(request, administrator);
      observer.changed(act, 'id' in changed ? String(changed.id) : undefined);
      return changed;
    } catch (error) {
      observer.failed(act, error);
      throw error;
    }
  }

  async function serve(request: AdminRequest, requestId: string): Promise<object> {
    if (!access.isOpen || !isAdminPath(request.path)) throw new AdminError(404, 'Not found: administration is off at this gateway (admin in its configuration).');
    const administrator = await admit(request, requestId);
    if (request.body === undefined) return MAY_CONTINUE;
    if (request.path === USAGE_REPORT_PATH) return serveUsage(request);
    return rightOf(request.method) === 'read' ? routes(request, administrator) : change(request, requestId, administrator);
  }

  return {
    budgets,
    administer: async (request) => {
      const requestId = createRequestId();
      return serve(request, requestId).then((value) => adminAnswer(value === MAY_CONTINUE ? MAY_SEND_BODY : 200, value, requestId), (error: unknown) => adminFailure(error, requestId));
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
