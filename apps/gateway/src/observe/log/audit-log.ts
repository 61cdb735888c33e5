import { createLogger } from './create-logger.ts';

/** The audit log: a stream of its own, which neither the log's level nor its destination changes. */
export interface AuditLog {
  /** Writes one act as a line. Names are written as they are in the configuration: lower case with underscores. */
  write(act: Readonly<Record<string, unknown>>): void;
  /** Opens a file anew, after it was moved away. */
  reopen(): void;
  close(): Promise<void>;
}

/** Opens the audit log. A file that cannot be opened throws: a gateway must not act without it. */
export function createAuditLog(destination: string, onFailure: (error: unknown) => void): AuditLog {
  const log = createLogger({ level: 'info', destination, format: 'json' }, 'json', onFailure);
  return {
    write(act) {
      const fields = Object.entries(act).map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value] as const);
      log.logger.info(Object.fromEntries(fields), 'audit');
    },
    reopen: () => log.reopen?.(),
    async close() {
      await log.flush();
    },
  };
}
