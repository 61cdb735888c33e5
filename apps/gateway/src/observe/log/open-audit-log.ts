import { createAuditLog, type AuditLog } from './audit-log.ts';

/** How the audit log is opened. */
export interface OpenAuditLogOptions {
  /** `log.audit` of the configuration. */
  readonly destination: string;
  /** Whether there is something to audit already: then a destination that cannot be opened throws. */
  readonly isNeeded: boolean;
  readonly onFailure: (error: unknown) => void;
}

/** Opens the audit log of a gateway. Where nothing is audited yet, it is opened with the first act: a reload may bring issuers or administrators. */
export function openAuditLog({ destination, isNeeded, onFailure }: OpenAuditLogOptions): AuditLog {
  let opened = isNeeded ? createAuditLog(destination, onFailure) : undefined;
  return {
    write(act) {
      try {
        opened ??= createAuditLog(destination, onFailure);
        opened.write(act);
      } catch (error) {
        onFailure(error);
      }
    },
    reopen: () => opened?.reopen(),
    close: async () => opened?.close(),
  };
}
