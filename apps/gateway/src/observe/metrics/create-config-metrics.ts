import { Counter, type Registry } from 'prom-client';
import { createGauge } from './gauges.ts';

/** Whether the configuration that runs is the one that was last loaded. */
export interface ConfigMetrics {
  /** Counts an attempt to load the configuration anew; what is in force after a failure is the one before. */
  readonly reloaded: (result: 'success' | 'failure') => void;
}

/** Declares the series of the process that loads the configuration: with several workers the primary's, for a worker knows only of its own start. */
export function createConfigMetrics(registry: Registry): ConfigMetrics {
  const reloads = new Counter({
    name: 'penstock_config_reloads_total', registers: [registry], labelNames: ['result'],
    help: 'Attempts to reload the configuration. After a failure the old configuration stays in force.',
  });
  const reloadOk = createGauge({
    name: 'penstock_config_last_reload_successful', registers: [registry],
    help: '1 when the last attempt to load the configuration succeeded (the start counts), 0 when it failed.',
  });
  const reloadTime = createGauge({
    name: 'penstock_config_last_reload_success_timestamp_seconds', registers: [registry],
    help: 'Unix time at which the configuration in force was loaded.',
  });

  function markLoaded(): void {
    reloadOk.set(1);
    reloadTime.set(Date.now() / 1000);
  }

  for (const result of ['success', 'failure']) reloads.inc({ result }, 0);
  markLoaded();
  return {
    reloaded(result) {
      reloads.inc({ result });
      if (result === 'success') markLoaded();
      else reloadOk.set(0);
    },
  };
}
