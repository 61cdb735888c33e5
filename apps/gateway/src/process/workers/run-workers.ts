import cluster from 'node:cluster';
import type { SqlDatabase } from '@penstock/claude-code-gateway';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { resolveWorkerCount } from '../../config/worker-share.ts';
import { createLifecycle } from '../lifecycle.ts';
import { workerProgram } from '../package-files.ts';
import { flushLog, openLog } from '../process-log.ts';
import { createReload } from '../reload-config.ts';
import { describeListenError } from '../describe-listen-error.ts';
import type { RunOptions } from '../run-options.ts';
import { untilStopped } from '../until-stopped.ts';
import { watchFiles } from '../watch-files.ts';
import { createConfigState } from '../../observe/status/config-state.ts';
import { createStatusReader } from '../../observe/status/create-status-reader.ts';
import { createWorkerMetrics } from '../../observe/metrics/create-worker-metrics.ts';
import { startOperationsServer, type OperationsServer } from '../operations-server.ts';
import { usesPrimaryState } from '../../state/primary-database.ts';
import { createWorkerFleet } from './worker-fleet.ts';

const DRAIN_MARGIN_MS = 5_000;

/** Runs the gateway as several worker processes behind one listener, with one operations listener. Returns the exit code. */
export async function runWorkers(options: RunOptions): Promise<number> {
  const { config } = options;
  const processLogger = openLog(options, () => undefined);
  if (processLogger === undefined) return 1;
  const { logger } = processLogger;
  const count = resolveWorkerCount(config);
  const metrics = createWorkerMetrics();
  const lifecycle = createLifecycle();
  cluster.setupPrimary({ exec: workerProgram(), args: [], serialization: 'advanced' });
  let database: SqlDatabase | undefined;
  try {
    if (usesPrimaryState(config)) {
      const { openState } = await import('../../state/open-state.ts');
      database = await openState(config);
    }
  } catch (error) {
    options.onFailure(error instanceof Error ? error.message : String(error));
    await flushLog(processLogger);
    return 1;
  }
  const fleet = createWorkerFleet({
    database, count, config, logger, version: options.version, viaPseudonym: options.viaPseudonym, logStyle: options.logStyle, tracing: options.tracing, metrics,
  });
  const configState = createConfigState(options.warnings);
  const warnings = (): Readonly<Record<string, string>> => (lifecycle.state === 'running' && !fleet.isServing() ? { workers: 'no worker is ready' } : fleet.warnings());
  let { admin } = config;
  let operations: OperationsServer | undefined;
  let port: number;
  try {
    operations = await startOperationsServer({
      host: config.operations.host, port: config.operations.port, allowedHosts: config.server.allowed_hosts, lifecycle,
      warnings,
      page: !config.operations.page ? undefined : {
        token: config.operations.token, admin: () => admin,
        read: createStatusReader({
          version: options.version, lifecycle, config: configState, warnings, isServing: () => lifecycle.state !== 'running' || fleet.isServing(), conditions: () => Object.values(fleet.conditions()),
          readParts: (query) => fleet.status(query),
          drainMs: () => (config.server.pre_stop_delay + config.server.drain_timeout) * 1_000,
        }),
      },
      isServing: () => fleet.isServing(),
      administer: config.state.store === undefined ? undefined : (request) => fleet.administer(request),
      scrape: () => metrics.scrape(),
    });
    port = await fleet.start();
  } catch (error) {
    options.onFailure(error instanceof Error && !('code' in error) ? error.message : await describeListenError(error, config));
    await Promise.all([fleet.close(), operations?.close()]);
    await database?.close();
    await flushLog(processLogger);
    return 1;
  }
  lifecycle.moveTo('running');
  const apply = (next: GatewayConfig): void => {
    logger.level = next.log.level;
    ({ admin } = next);
    fleet.update(next);
  };
  const reload = createReload({
    initial: config, read: options.reload, logger, apply, onFiles: (files) => watch.watch(files), onResult: (report) => {
      metrics.configReloaded(report.result);
      configState.reloaded(report);
    },
  });
  const watch = watchFiles(reload);
  watch.watch(options.files);
  const { pre_stop_delay: preStopDelay, drain_timeout: drainTimeout } = config.server;
  // Install signal handlers before reporting ready: a supervisor may signal immediately.
  const stopped = untilStopped({
    logger, onReload: reload,
    onReopen: () => {
      processLogger.reopen?.();
      fleet.reopenLog();
    },
    onRestart: () => { fleet.restart().catch((error: unknown) => logger.error({ error: String(error) }, 'the rolling restart stopped')); },
    drain: () => {
      lifecycle.moveTo('leaving');
      return fleet.drain((preStopDelay + drainTimeout) * 1000 + DRAIN_MARGIN_MS);
    },
    closeNow: () => fleet.close(),
  });
  options.onReady({ port, operationsPort: operations.port, workers: count });
  const exitCode = await stopped;
  watch.stop();
  logger.info({ exit_code: exitCode }, 'stopped');
  await operations.close();
  await database?.close();
  await flushLog(processLogger);
  return exitCode;
}
