import { randomBytes } from 'node:crypto';
import type { Simulator } from '@penstock/anthropic-simulator';
import { isConfigError } from '../config/config-error.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { servesNative } from '../config/native-upstreams.ts';
import { loadConfig, type LoadConfigOptions, type LoadedConfig } from '../config/load-config.ts';
import type { Environment } from '../config/reading/overrides.ts';
import { SIMULATED_PRICE } from '../config/sections/prices-section.ts';
import { resolveWorkerCount } from '../config/worker-share.ts';
import { describeStart } from './describe-start.ts';
import { leadsToOurselves } from '../config/rules/targets-self.ts';
import type { ServiceManager } from '../process/service-manager.ts';
import { runProcess } from '../process/run-process.ts';
import type { LogStyle } from '../observe/log/create-logger.ts';
import { runWorkers } from '../process/workers/run-workers.ts';
import { readTracingSettings } from '../observe/trace/read-tracing-settings.ts';
import type { CommandOutput } from './check.ts';

/** The options of `penstock start`. */
export interface StartOptions extends Omit<LoadConfigOptions, 'simulate'> {
  /** Serve the built-in simulator instead of an upstream. */
  readonly simulate: boolean;
  /** The same, when no key is configured; what the workspace's own `start` does. */
  readonly simulateWithoutKey: boolean;
  readonly version: string;
  /** How entries of the log look on standard output. */
  readonly logStyle: LogStyle;
}

/** `penstock start`: runs the gateway until a signal stops it. Returns the exit code. */
export async function runStart(options: StartOptions, output: CommandOutput): Promise<number> {
  let loaded: LoadedConfig;
  let simulates: boolean;
  try {
    simulates = options.simulate || (options.simulateWithoutKey && lacksKey(options));
    loaded = readConfig(options, simulates);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    output.stderr.write(`${error.message}\n`);
    return 1;
  }
  const simulator = simulates ? await startBuiltInSimulator() : undefined;
  const config = simulator === undefined ? loaded.config : withSimulator(loaded.config, simulator);
  if (simulator === undefined && await leadsToOurselves(config)) {
    output.stderr.write(`anthropic_native.base_url (${config.anthropic_native.base_url}) leads back to this gateway. ANTHROPIC_BASE_URL is what clients set to reach a gateway; unset it here.\n`);
    return 1;
  }
  const { settings: tracing, warnings } = readTracingSettings(options.environment);
  const run = resolveWorkerCount(config) === 1 ? runProcess : runWorkers;
  const manager = await findServiceManager(options.environment, output);
  try {
    return await run({
      config, tracing, files: loaded.files, warnings: [...loaded.warnings, ...warnings], version: options.version, logStyle: options.logStyle, viaPseudonym: `penstock-${randomBytes(6).toString('hex')}`,
      reload: () => {
        const next = readConfig(options, simulates);
        return simulator === undefined ? next : { ...next, config: withSimulator(next.config, simulator) };
      },
      onReady: (started) => {
        output.stderr.write(describeStart({ ...started, config, simulates, hasKey: loaded.config.anthropic_native.api_key !== undefined, warnings: [...loaded.warnings, ...warnings] }));
        manager?.ready();
      },
      onFailure: (message) => { output.stderr.write(`${message}\n`); },
    });
  } finally {
    manager?.close();
    await simulator?.close();
  }
}

/** Reads the configuration for a run with or without the simulator. */
function readConfig({ argv, environment, workingDirectory }: StartOptions, simulate: boolean): LoadedConfig {
  return loadConfig({ argv, environment, workingDirectory, simulate });
}

/** Whether a configuration that is otherwise sound has no key to inject. */
function lacksKey(options: StartOptions): boolean {
  const { config } = readConfig(options, true);
  return servesNative(config) && config.anthropic_native.credentials === 'inject' && config.anthropic_native.api_key === undefined && config.anthropic_native.upstreams.length === 0;
}

/** Loaded only where systemd waits for a notification. */
async function findServiceManager(environment: Environment, output: CommandOutput): Promise<ServiceManager | undefined> {
  if ((environment['NOTIFY_SOCKET'] ?? '') === '') return undefined;
  const { createServiceManager } = await import('../process/service-manager.ts');
  return createServiceManager(environment, (message) => { output.stderr.write(`${message}\n`); });
}

/** Loaded only where it is the upstream. */
async function startBuiltInSimulator(): Promise<Simulator> {
  const { startSimulator } = await import('@penstock/anthropic-simulator');
  return await startSimulator();
}

/** Points a configuration at the simulator; no proxy, no private authority, no real key goes there. */
function withSimulator(config: GatewayConfig, simulator: Simulator): GatewayConfig {
  const { proxy: _proxy, ca: _ca, ...native } = config.anthropic_native;
  const upstreams = native.upstreams.map(({ proxy: _ofOne, ca: _authority, ...upstream }) => ({ ...upstream, kind: 'anthropic' as const, base_url: simulator.origin, credential: { api_key: 'simulated-key' } }));
  return { ...config, prices: [...config.prices, SIMULATED_PRICE], anthropic_native: { ...native, upstreams, base_url: simulator.origin, api_key: 'simulated-key' } };
}
