import { createFastCounter } from '@penstock/fast-metrics';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { PLAIN } from '../../config/plain.ts';
import type { AuditLog } from '../../observe/log/audit-log.ts';
import { ADMIN_REFUSALS, AdminError, AdminRefusal, type AdminRequest } from './admin-exchange.ts';

/** Where administration leaves its traces. */
export interface AdministrationTraces {
  readonly registry: Registry;
  readonly logger: Pick<Logger, 'warn'> | undefined;
  readonly auditLog: Pick<AuditLog, 'write'>;
}

/** One request to the administration. */
export interface AdministrationAct {
  readonly request: AdminRequest;
  readonly requestId: string;
  /** Absent for one who was refused. */
  readonly actor: string | undefined;
}

/** Notes what administrators did, and who was refused. */
export interface AdministrationObserver {
  refused(act: AdministrationAct, refusal: AdminRefusal): void;
  /** A change that was made. @param target its id */
  changed(act: AdministrationAct, target: string | undefined): void;
  /** A change that was not. */
  failed(act: AdministrationAct, error: unknown): void;
}

/** The event of a change in the audit log. */
function eventOf({ method }: AdminRequest): string {
  return method === 'DELETE' ? 'admin.delete' : 'admin.set';
}

/** Declares the counter of refusals; every series exists at 0 from the start. */
export function createAdministrationObserver({ registry, logger, auditLog }: AdministrationTraces): AdministrationObserver {
  const refusals = createFastCounter(registry, {
    name: 'penstock_admin_refusals_total', labelNames: ['reason'], plain: PLAIN,
    help: 'Requests to the administration that were refused for who made them, by why; the log and the audit log have the address.',
  });
  for (const reason of ADMIN_REFUSALS) refusals.series({ reason });
  const describe = ({ request: { method, path, address }, requestId, actor }: AdministrationAct): Readonly<Record<string, unknown>> => ({ ...(actor === undefined ? {} : { actor }), method, path, address, requestId });
  return {
    refused(act, { reason, actor }) {
      const { method, path, address } = act.request;
      refusals.series({ reason }).value += 1;
      logger?.warn({ request_id: act.requestId, reason, actor, method, path, client_address: address }, 'administrator refused');
      auditLog.write({ event: 'admin.refuse', result: 'refused', reason, ...describe({ ...act, actor }) });
    },
    changed(act, target) {
      auditLog.write({ event: eventOf(act.request), result: 'ok', ...describe(act), target });
    },
    failed(act, error) {
      const isKnown = error instanceof AdminError && error.status < 500;
      auditLog.write({ event: eventOf(act.request), result: isKnown ? 'refused' : 'unavailable', reason: isKnown ? `status_${error.status}` : 'store', ...describe(act) });
    },
  };
}
