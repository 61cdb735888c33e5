import type { StatusConfig } from './status.ts';

/** What one reload of the configuration did. */
export interface ReloadReport {
  readonly result: 'success' | 'failure';
  /** Keys whose new value is in force. */
  readonly applied: readonly string[];
  /** Keys whose new value waits for a restart. */
  readonly restartRequired: readonly string[];
  readonly warnings: readonly string[];
}

/** The configuration as the live page shows it: names of keys and sentences, never a value. */
export interface ConfigState {
  reloaded(report: ReloadReport): void;
  describe(): StatusConfig;
}

/** Makes the state of a configuration that was just loaded, with the warnings of its start. */
export function createConfigState(warnings: readonly string[]): ConfigState {
  const loadedAt = new Date().toISOString();
  let lastReload: StatusConfig['last_reload'] = null;
  let restartRequired: readonly string[] = [];
  let current = warnings;
  return {
    reloaded({ result, applied, restartRequired: waiting, warnings: found }) {
      lastReload = { at: new Date().toISOString(), result, applied };
      // A file that was refused changed nothing: what waited for a restart before still does.
      if (result === 'failure') return;
      restartRequired = waiting;
      current = found;
    },
    describe: () => ({ loaded_at: loadedAt, last_reload: lastReload, restart_required: restartRequired, warnings: current }),
  };
}
