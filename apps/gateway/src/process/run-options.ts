import type { GatewayConfig } from '../config/gateway-config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { LogStyle } from '../observe/log/create-logger.ts';
import type { TracingSettings } from '../observe/trace/read-tracing-settings.ts';

/** What a run of the gateway needs, whatever the number of processes. */
export interface RunOptions {
  readonly config: GatewayConfig;
  /** The files whose change means a reload. */
  readonly files: readonly string[];
  readonly version: string;
  readonly logStyle: LogStyle;
  readonly viaPseudonym: string;
  /** What the `OTEL_*` variables say; absent without tracing. */
  readonly tracing: TracingSettings | undefined;
  /** The warnings of the start. */
  readonly warnings: readonly string[];
  /** Reads the configuration again; throws a `ConfigError` when it is not sound. */
  readonly reload: () => LoadedConfig;
  readonly onReady: (facts: { readonly port: number; readonly operationsPort: number; readonly workers: number }) => void;
  /** Told in words why the gateway could not start. */
  readonly onFailure: (message: string) => void;
}

/** Describes an error of `listen`, with the remedy. */
export function describeListenError(error: unknown, config: GatewayConfig): string {
  const { code, address, port, hostname } = error as NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };
  const { server, operations } = config;
  const where = `${address ?? server.host}:${port ?? server.port}`;
  const isOperations = hostname === undefined ? port === operations.port && (port !== server.port || address === operations.host) : hostname !== server.host;
  const setting = isOperations ? 'operations.port (PENSTOCK_OPERATIONS_PORT)' : 'server.port (PENSTOCK_PORT)';
  if (code === 'EADDRINUSE') return `${where} is in use by another process: choose another ${setting}.`;
  if (code === 'EACCES') return `${where} may not be opened by this user: choose a port above 1023 in ${setting}.`;
  if (code === 'EADDRNOTAVAIL') return `${where} is not an address of this machine: see ${isOperations ? 'operations.host' : 'server.host'}.`;
  if (code === 'ENOTFOUND') return `${hostname} is a name that does not resolve: see ${isOperations ? 'operations.host' : 'server.host'}.`;
  return `The gateway could not start: ${error instanceof Error ? error.message : String(error)}`;
}
