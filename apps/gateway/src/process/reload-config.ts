import type { Logger } from 'pino';
import { changesBetween, mergeReloaded } from '../config/changes-between.ts';
import { isConfigError } from '../config/config-error.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { backendsWaitForRestart } from '../config/front-door-backends.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { ReloadReport } from '../observe/status/config-state.ts';

/** What a reload acts on. */
export interface ReloadOptions {
  readonly initial: GatewayConfig;
  readonly read: () => LoadedConfig;
  readonly apply: (config: GatewayConfig) => void;
  readonly onResult: (report: ReloadReport) => void;
  /** Told which files were read, or looked for in vain: those to watch from now on. */
  readonly onFiles: (files: readonly string[]) => void;
  readonly logger: Logger;
}

/**
 * Makes the function that reloads the configuration. A bad one is refused whole and the running one stays; what needs a
 * restart keeps its old value and is named in the log.
 */
export function createReload(options: ReloadOptions): () => void {
  const { logger } = options;
  let current = options.initial;
  return function reload() {
    try {
      const { config: read, files, warnings, simulate } = options.read();
      options.onFiles(files);
      const { applied, restartRequired: changed } = changesBetween(current, read);
      const next = mergeReloaded(current, read, { simulate });
      const restartRequired = backendsWaitForRestart(options.initial, next) ? [...changed, 'openai_front_door.backends'] : changed;
      options.apply(next);
      current = next;
      options.onResult({ result: 'success', applied, restartRequired, warnings });
      logger.info({ applied, restart_required: restartRequired, ...(warnings.length > 0 ? { warnings } : {}) }, 'configuration reloaded');
    } catch (error) {
      options.onResult({ result: 'failure', applied: [], restartRequired: [], warnings: [] });
      if (isConfigError(error) && error.files.length > 0) options.onFiles(error.files);
      const problems = isConfigError(error) ? error.message : error instanceof Error ? error.message : String(error);
      logger.error({ problems }, 'the new configuration was refused; the old one stays');
    }
  };
}
