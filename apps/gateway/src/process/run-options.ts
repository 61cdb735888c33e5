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
