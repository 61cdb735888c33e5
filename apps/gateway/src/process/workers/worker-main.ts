import cluster from 'node:cluster';
import type { GroupNote } from '@penstock/upstream-group';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { createGateway, type Gateway } from '../../create-gateway.ts';
import { releaseStartupMemory } from '../release-startup-memory.ts';
import { releaseYoungMemory } from '../release-young-memory.ts';
import { scavengeOnOneThread } from '../scavenge-on-one-thread.ts';
import { logShortcuts } from '../log-shortcuts.ts';
import { flushLog } from '../process-log.ts';
import { describeListenError } from '../describe-listen-error.ts';
import { createLogger, type ProcessLogger } from '../../observe/log/create-logger.ts';
import { describeError } from '../../observe/log/describe-error.ts';
import { createPrimaryDatabase, usesPrimaryState } from '../../state/primary-database.ts';
import { NoteOutbox } from './note-outbox.ts';
import type { PrimaryMessage, WorkerMessage } from './worker-messages.ts';

/** The program of one worker: it handles the primary's messages, and drains when the primary is gone. */
let gateway: Gateway | undefined;
let processLogger: ProcessLogger | undefined;
let starting: Promise<void> = Promise.resolve();
/** A configuration that came while the gateway was being made, which has the one before. */
let newest: GatewayConfig | undefined;
let isEnding = false;
/** The file of the state belongs to the primary. */
const database = createPrimaryDatabase((question) => { void sendToPrimary(question); });

function sendToPrimary(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    // The channel may be closed already.
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

/** What other workers have to know. No request waits for it. */
const outbox = new NoteOutbox((notes, done) => {
  if (process.send === undefined || !process.connected) done();
  else process.send({ type: 'routing', notes } satisfies WorkerMessage, undefined, undefined, done);
});

async function takeNotes(notes: readonly GroupNote[]): Promise<void> {
  await starting;
  gateway?.takeNotes(notes);
}

async function start(message: Extract<PrimaryMessage, { type: 'start' }>): Promise<void> {
  const { config, share, version, viaPseudonym, logStyle, tracing } = message;
  try {
    processLogger = createLogger(config.log, logStyle, (error) => gateway?.metrics.observerError('log', error));
    logShortcuts(processLogger.logger);
    scavengeOnOneThread();
    releaseYoungMemory();
    gateway = await createGateway({ config, processLogger, version, viaPseudonym, share, tracing, shareNote: (note) => { outbox.add([note]); }, beforeListening: releaseStartupMemory, ...(usesPrimaryState(config) ? { database } : {}) });
    if (newest !== undefined) gateway.update(newest);
    await sendToPrimary({ type: 'ready', port: gateway.port });
  } catch (error) {
    await sendToPrimary({ type: 'failed', message: await describeListenError(error, config) });
    await end(1);
  }
}

async function sendMetrics(scrape: number): Promise<void> {
  const running = gateway;
  if (running === undefined) return;
  const text = await running.metrics.registry.metrics();
  await sendToPrimary({ type: 'metrics', scrape, text, conditions: running.conditions(), upstreams: running.upstreams(), health: running.health() });
}

async function sendStatus({ question, query }: Extract<PrimaryMessage, { type: 'status' }>): Promise<void> {
  const part = await gateway?.status?.read(query);
  if (part !== undefined) await sendToPrimary({ type: 'status', question, part });
}

async function administer({ question, request }: Extract<PrimaryMessage, { type: 'administer' }>): Promise<void> {
  const answer = await gateway?.administer?.(request);
  if (answer !== undefined) await sendToPrimary({ type: 'administered', question, answer });
}

async function shutDown(how: 'drain' | 'replaced' | 'close', exitCode = 0): Promise<void> {
  if (isEnding && how !== 'close') return;
  isEnding = true;
  // A gateway that still starts cannot be drained, and would take requests that are never ended.
  if (how !== 'close') await starting;
  if (how === 'drain') await gateway?.drain();
  else if (how === 'replaced') await gateway?.leaveToSuccessor();
  else await gateway?.close();
  // The last counts are kept by the primary.
  await sendMetrics(0);
  await end(exitCode);
}

async function end(exitCode: number): Promise<void> {
  if (processLogger !== undefined) await flushLog(processLogger);
  process.exitCode = exitCode;
  leavePrimary();
  // The channel was the last thing that kept the process; a stray handle must not keep it for ever.
  setTimeout(() => process.exit(), 1_000).unref();
}

/**
 * Ends the channel to the primary. Node's own way waits for the primary's answer, behind which no connection is on its way here: one that the primary had
 * handed over before it heard that the server is closed goes back to it, where closing the channel at once would leave its client without an answer.
 */
function leavePrimary(): void {
  if (!process.connected) return;
  if (cluster.worker === undefined) process.disconnect?.();
  else cluster.worker.disconnect();
}

async function handleMessage(message: PrimaryMessage): Promise<void> {
  switch (message.type) {
    case 'start': return (starting = start(message));
    case 'update':
      newest = message.config;
      return gateway?.update(message.config);
    case 'reopen_log':
      processLogger?.reopen?.();
      return gateway?.reopenLogs();
    case 'state': return database.take(message);
    case 'other_health': return gateway?.takeFromOthers(message.parts, message.successes);
    case 'routing': return takeNotes(message.notes);
    case 'all_notes': return sendToPrimary({ type: 'all_notes', question: message.question, notes: gateway?.notes() ?? [] });
    case 'scrape': return sendMetrics(message.scrape);
    case 'status': return sendStatus(message);
    case 'administer': return administer(message);
    default: return shutDown(message.type);
  }
}

async function shutDownAfterDefect(): Promise<void> {
  try {
    await shutDown('drain', 1);
  } catch {
    await end(1);
  }
}

function onFatal(error: unknown): void {
  processLogger?.logger.fatal({ error: describeError(error) }, 'uncaught error in a worker');
  if (isEnding) return;
  void sendToPrimary({ type: 'broken' });
  void shutDownAfterDefect();
}

// The terminal sends its signals to every process of the group; only the primary decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => undefined);
process.on('message', (message: PrimaryMessage) => { handleMessage(message).catch(onFatal); });
process.on('disconnect', () => { if (!isEnding) shutDown('drain').catch(onFatal); });
process.on('uncaughtException', onFatal);
process.on('unhandledRejection', onFatal);
