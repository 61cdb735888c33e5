import { createGateway, type Gateway } from '../create-gateway.ts';
import { createConfigState } from '../observe/status/config-state.ts';
import { createStatusReader } from '../observe/status/create-status-reader.ts';
import { warningsOf } from '../observe/upstreams/upstream-snapshot.ts';
import { startOperationsServer, type OperationsServer } from './operations-server.ts';
import { logShortcuts } from './log-shortcuts.ts';
import { flushLog, openLog } from './process-log.ts';
import { createReload } from './reload-config.ts';
import { releaseStartupMemory } from './release-startup-memory.ts';
import { releaseYoungMemory } from './release-young-memory.ts';
import { scavengeOnOneThread } from './scavenge-on-one-thread.ts';
import { describeListenError } from './describe-listen-error.ts';
import type { RunOptions } from './run-options.ts';
import { untilStopped } from './until-stopped.ts';
import { watchFiles } from './watch-files.ts';

const EXIT_GRACE_MS = 250;

/** Runs the gateway in this process until a signal or a fatal error ends it. Returns the exit code. */
export async function runProcess(options: RunOptions): Promise<number> {
  const { config } = options;
  let gateway: Gateway | undefined;
  let operations: OperationsServer | undefined;
  const processLogger = openLog(options, (error) => gateway?.metrics.observerError('log', error));
  if (processLogger === undefined) return 1;
  const { logger } = processLogger;
  const stopLogging = logShortcuts(logger);
  scavengeOnOneThread();
  releaseYoungMemory();
  const configState = createConfigState(options.warnings);
  let { admin } = config;
  try {
    gateway = await createGateway({ config, processLogger, version: options.version, viaPseudonym: options.viaPseudonym, tracing: options.tracing, beforeListening: releaseStartupMemory });
    const { metrics, lifecycle, status, administer } = gateway;
    const warnings = (): Readonly<Record<string, string>> => ({ ...gateway?.warnings(), ...warningsOf(gateway?.upstreams() ?? []) });
    operations = await startOperationsServer({
      host: config.operations.host, port: config.operations.port, allowedHosts: config.server.allowed_hosts, lifecycle,
      warnings,
      page: status === undefined ? undefined : {
        token: config.operations.token, admin: () => admin,
        read: createStatusReader({
          version: options.version, lifecycle, config: configState, warnings, isServing: () => true, conditions: () => Object.values(gateway?.conditions() ?? {}),
          readParts: async (query) => [await status.read(query)],
          drainMs: () => (config.server.pre_stop_delay + config.server.drain_timeout) * 1_000,
        }),
      },
      administer,
      scrape: async () => ({ contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }),
    });
  } catch (error) {
    options.onFailure(await describeListenError(error, config));
    await gateway?.close();
    await flushLog(processLogger);
    return 1;
  }
  const running = gateway;
  const reload = createReload({
    initial: config, read: options.reload, logger,
    apply: (next) => {
      running.update(next);
      ({ admin } = next);
    },
    onResult: (report) => {
      running.metrics.configReloaded(report.result);
      configState.reloaded(report);
    },
    onFiles: (files) => watch.watch(files),
  });
  const watch = watchFiles(reload);
  watch.watch(options.files);
  // Install signal handlers before reporting ready: a supervisor may signal immediately.
  const stopped = untilStopped({ logger, onReload: reload, onReopen: () => {
      processLogger.reopen?.();
      running.reopenLogs();
    },  drain: () => running.drain(), closeNow: () => running.close() });
  options.onReady({ port: gateway.port, operationsPort: operations.port, workers: 1 });
  const exitCode = await stopped;
  watch.stop();
  logger.info({ exit_code: exitCode }, 'stopped');
  // The operations listener goes last: readiness and the drain stay visible to the end.
  await operations.close();
  stopLogging();
  await flushLog(processLogger);
  // An export that is retried would keep the process for as long as its collector is away.
  if (options.tracing !== undefined) setTimeout(() => process.exit(exitCode), EXIT_GRACE_MS).unref();
  return exitCode;
}
