import { LogSink } from './log-sink.ts';

/** The audit log: a stream of its own, which neither the log's level nor its destination changes. */
export interface AuditLog {
  /** Writes one act as a line. Names are written as they are in the configuration: lower case with underscores. */
  write(act: Readonly<Record<string, unknown>>): void;
  /** Opens a file anew, after it was moved away. */
  reopen(): void;
  close(): Promise<void>;
}

const DESCRIPTORS: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };
/** Each act is written at once, as a whole line. */
const WRITES = { minWrite: 1, maxWrite: 4_096 };

/** Opens the audit log. A file that cannot be opened throws: a gateway must not act without it. */
export function createAuditLog(destination: string, onFailure: (error: unknown) => void): AuditLog {
  const sink = new LogSink({ destination: DESCRIPTORS[destination] ?? destination, ...WRITES, onFailure });
  return {
    write(act) {
      const fields = Object.entries(act).map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value] as const);
      sink.write(`${JSON.stringify({ time: new Date().toISOString(), stream: 'audit', ...Object.fromEntries(fields) })}\n`);
    },
    reopen: () => sink.reopen(),
    async close() {
      await sink.end();
    },
  };
}
