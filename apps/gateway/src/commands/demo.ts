import { isConfigError } from '../config/config-error.ts';
import { loadConfig, type LoadConfigOptions } from '../config/load-config.ts';
import { runDemo } from '../demo/run-demo.ts';
import type { CommandOutput } from './check.ts';

/** The options of `penstock demo`. */
export interface DemoCommandOptions extends Omit<LoadConfigOptions, 'simulate'> {
  /** Use the simulator even when a key is configured. */
  readonly simulate: boolean;
  readonly model: string;
  readonly hasColours: boolean;
}

/**
 * `penstock demo`: shows what the gateway does, against the real API when a key is configured, else against the built-in simulator.
 * Returns the exit code: 0 when every claim it printed held, else 1.
 */
export async function runDemoCommand({ simulate, model, hasColours, ...options }: DemoCommandOptions, { stdout, stderr }: CommandOutput): Promise<number> {
  try {
    const { config } = loadConfig({ ...options, simulate: true });
    const hasKey = config.anthropic_native.credentials === 'inject' && config.anthropic_native.api_key !== undefined;
    const isReal = hasKey && !simulate;
    const allHeld = await runDemo({ ...(isReal ? { config } : {}), model, hasColours, output: stdout });
    return allHeld ? 0 : 1;
  } catch (error) {
    if (!isConfigError(error)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  }
}
