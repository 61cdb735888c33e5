import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { Registry } from 'prom-client';
import { createClientRegistry, type ClientRegistry } from './access/clients/client-registry.ts';
import type { Identity } from './access/identity/identity.ts';
import type { OpenedBudgets } from './access/spend-limits/open-budgets.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import type { OpenedLedger } from './ledger/open-ledger.ts';
import { hasAdmin } from './config/sections/admin-section.ts';
import { hasIdentity } from './config/sections/identity-section.ts';
import type { PartConditions } from './observe/causes.ts';
import type { AuditLog } from './observe/log/audit-log.ts';
import type { ProcessLogger } from './observe/log/create-logger.ts';
import { openAuditLog } from './observe/log/open-audit-log.ts';
import type { OpenedSignIn } from './sign-in/open-sign-in.ts';
import { openState } from './state/open-state.ts';

/** What they are opened with. */
export interface StatefulPartsOptions {
  readonly config: GatewayConfig;
  readonly processLogger: ProcessLogger;
  /** Their store. @defaultValue opened from `state.store` */
  readonly database?: SqlDatabase;
}

/** The parts of a gateway that outlive it, in one store. */
export interface StatefulParts {
  /** Absent where persons do not sign in here. */
  readonly signIn: OpenedSignIn | undefined;
  /** Absent where there is no store. */
  readonly ledger: OpenedLedger | undefined;
  /** Absent where there is no store, so that nothing is counted. */
  readonly budgets: OpenedBudgets | undefined;
  /** Who signed in, was refused a token, or administers; opened only where there may be any. */
  readonly auditLog: AuditLog;
  /** Whether a budget of the store names a group. */
  readonly isBudgetGroup: (group: string) => boolean;
  /** What is wrong with them, and which budgets are spent. */
  conditions(): PartConditions;
  /** Writes what waits and closes the store. */
  close(): Promise<void>;
}

/** Opens what the configuration names; nothing of the rest is loaded. Rejects with a `StateError` for a store that another gateway uses. */
export async function openStatefulParts(options: StatefulPartsOptions, registry: Registry, onLogFailure: (error: unknown) => void): Promise<StatefulParts> {
  const database = options.database ?? await openState(options.config);
  // The store is closed once, behind all parts.
  const lent = database === undefined ? undefined : { run: (statements: Parameters<SqlDatabase['run']>[0]) => database.run(statements), close: () => Promise.resolve() };
  const { config } = options;
  const auditLog = openAuditLog({ destination: config.log.audit, isNeeded: hasIdentity(config) || hasAdmin(config), onFailure: onLogFailure });
  const ledger = await openLedger(options, lent, registry);
  const budgets = await openBudgets(options, lent, ledger, registry, auditLog);
  const isBudgetGroup = (group: string): boolean => budgets?.budgets.gate.book.groups.has(group) === true;
  const signIn = await openSignIn(options, lent, registry, auditLog, isBudgetGroup);
  return {
    signIn, ledger, budgets, auditLog, isBudgetGroup,
    conditions: () => ({ ...signIn?.signIn.conditions(), ...ledger?.conditions(), ...budgets?.conditions() }),
    async close() {
      budgets?.close();
      await Promise.all([signIn?.close(), ledger?.close()]);
      await database?.close();
      await auditLog.close();
    },
  };
}

async function openSignIn({ config }: StatefulPartsOptions, database: SqlDatabase | undefined, registry: Registry, auditLog: AuditLog, isBudgetGroup: (group: string) => boolean): Promise<OpenedSignIn | undefined> {
  const { sign_in: settings } = config.identity;
  if (settings === undefined) return undefined;
  if (database === undefined) throw new TypeError('sign-in has a store: the configuration fills it in');
  const { openSignIn: open } = await import('./sign-in/open-sign-in.ts');
  return open({ config, settings, database, registry, auditLog, isBudgetGroup });
}

async function openLedger({ config, processLogger }: StatefulPartsOptions, database: SqlDatabase | undefined, registry: Registry): Promise<OpenedLedger | undefined> {
  if (database === undefined) return undefined;
  const { openLedger: open } = await import('./ledger/open-ledger.ts');
  return open({ config, database, registry, logger: processLogger.logger });
}

async function openBudgets({ config, processLogger }: StatefulPartsOptions, database: SqlDatabase | undefined, ledger: OpenedLedger | undefined, registry: Registry, auditLog: AuditLog): Promise<OpenedBudgets | undefined> {
  if (database === undefined || ledger === undefined) return undefined;
  const { openBudgets: open } = await import('./access/spend-limits/open-budgets.ts');
  return open({ config, database, spend: ledger.ledger, logger: processLogger.logger, registry, auditLog });
}

/** The callers of a configuration; administrators are recognised by the same tokens. */
export function createCallers(config: GatewayConfig, identity: Identity, { budgets }: StatefulParts): ClientRegistry {
  const authority = identity.authorityFor(config);
  budgets?.update(config, authority);
  return createClientRegistry(config, authority);
}
