import cluster from 'node:cluster';
import { performance } from 'node:perf_hooks';
import type { SqlDatabase } from '@penstock/claude-code-gateway';
import type { GroupNote } from '@penstock/upstream-group';
import type { Logger } from 'pino';
import { AdminError, adminFailure, type AdminAnswer, type AdminRequest } from '../../access/admin/admin-exchange.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { LogStyle } from '../../observe/log/create-logger.ts';
import type { WorkerMetrics } from '../../observe/metrics/create-worker-metrics.ts';
import type { TracingSettings } from '../../observe/trace/read-tracing-settings.ts';
import { divideConfig } from '../../config/worker-share.ts';
import { describeParts, mergePartConditions, type PartConditions } from '../../observe/causes.ts';
import { mergeUpstreams, successesOf, warningsOf, type UpstreamSnapshot } from '../../observe/upstreams/upstream-snapshot.ts';
import type { StatusPart } from '../../observe/status/status-part.ts';
import type { StatusQuery } from '../../observe/status/status-query.ts';
import { createRequestId } from '../../request/request-id.ts';
import { answerWithin } from './questions.ts';
import { answerStateQuestion } from '../../state/primary-database.ts';
import { createWorkerHandle, type WorkerHandle } from './worker-handle.ts';

/** What all workers are started with. */
export interface FleetOptions {
  readonly count: number;
  readonly config: GatewayConfig;
  readonly version: string;
  readonly viaPseudonym: string;
  readonly logStyle: LogStyle;
  readonly tracing: TracingSettings | undefined;
  readonly logger: Logger;
  /** The state that workers ask for; absent where they need none or reach it themselves. */
  readonly database?: SqlDatabase | undefined;
  /** Adds up what the workers count, the dead included. */
  readonly metrics: WorkerMetrics;
}

/** The workers of one gateway: always as many as configured, replaced when they die. */
export interface WorkerFleet {
  /** Resolves with the port when every worker listens; rejects when the first one cannot. */
  start(): Promise<number>;
  /** Whether at least one worker can take requests. */
  isServing(): boolean;
  warnings(): Readonly<Record<string, string>>;
  /** The upstreams of the whole gateway, by the workers' latest messages. */
  upstreams(): readonly UpstreamSnapshot[];
  /** The status of every worker that answers within a second, replaced ones that still drain included. */
  status(query: StatusQuery): Promise<readonly StatusPart[]>;
  /** What is wrong with parts of workers other than upstreams, by the workers' latest messages. */
  conditions(): PartConditions;
  /** Answers a request to the administration by one of the workers that are ready. Never rejects. */
  administer(request: AdminRequest): Promise<AdminAnswer>;
  update(config: GatewayConfig): void;
  /** Every worker opens the file of its log anew. */
  reopenLog(): void;
  /** Replaces one worker after another, each drained only when its successor listens. During a round it asks for one more. */
  restart(): Promise<void>;
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const SNAPSHOT_INTERVAL_MS = 5_000;
/** Time in which workers answer a snapshot; a later answer is shared with the next one. */
const ANSWER_MS = 250;
/** A worker that is silent for longer is left out of a status. */
const STATUS_TIMEOUT_MS = 1_000;
/** The successor starts in the meantime. */
const NOTES_TIMEOUT_MS = 30_000;
/** A store that does not answer fails before. */
const ADMINISTRATION_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;
/** A worker that lived this long did not die of its start. */
const HEALTHY_LIFE_MS = 30_000;
/** Workers with a defect that still drain count: where one request after another meets it, the rest waits until one is gone. */
const MOST_PER_PLACE = 2;

/** Makes a fleet; `cluster.setupPrimary` names the program that workers run. */
export function createWorkerFleet(options: FleetOptions): WorkerFleet {
  const { count, logger, metrics } = options;
  let { config } = options;
  const workers = new Map<number, WorkerHandle>();
  const all = new Set<WorkerHandle>();
  const replaced = new WeakSet<WorkerHandle>();
  let isEnding = false;
  let backoffMs = FIRST_BACKOFF_MS;

  function fork(index: number): WorkerHandle {
    const bornAt = performance.now();
    const handle = createWorkerHandle(cluster.fork(), index, {
      onText: (id, text) => metrics.update(id, text), onNotes: passOn, onState: (question) => answerStateQuestion(options.database, question),
    });
    all.add(handle);
    metrics.add(handle);
    const share = { index, count };
    handle.send({ type: 'start', config: divideConfig(config, share), share, version: options.version, viaPseudonym: options.viaPseudonym, logStyle: options.logStyle, tracing: options.tracing });
    void informOfRouting(handle);
    void replaceWhenExited(handle, bornAt);
    void replaceWhenBroken(handle, bornAt);
    return handle;
  }

  /** To those that are only starting as well: they take it once they are made. */
  function passOn(from: number, notes: readonly GroupNote[]): void {
    for (const worker of all) if (worker.id !== from) worker.passOn(notes);
  }

  /** A new worker would ask upstreams that cool down, and send moved sessions back. */
  async function informOfRouting(successor: WorkerHandle): Promise<void> {
    const known = [...workers.values()].find((worker) => worker !== successor && worker.isReady());
    const notes = known === undefined ? undefined : await answerWithin(known.allNotes(), NOTES_TIMEOUT_MS);
    if (notes !== undefined && notes.length > 0) successor.send({ type: 'routing', notes });
  }

  async function replaceWhenBroken(handle: WorkerHandle, bornAt: number): Promise<void> {
    await handle.broken;
    if (all.size < MOST_PER_PLACE * count) replaceUnlessLeaving(handle, bornAt, 'uncaught_exception');
  }

  async function replaceWhenExited(handle: WorkerHandle, bornAt: number): Promise<void> {
    const endedBy = await handle.exited;
    all.delete(handle);
    metrics.remove(handle.id, isEnding || handle.isLeaving ? 'ended' : 'crashed');
    replaceUnlessLeaving(handle, bornAt, endedBy);
  }

  function replaceUnlessLeaving(dead: WorkerHandle, bornAt: number, endedBy: string): void {
    const { index } = dead;
    if (isEnding || dead.isLeaving || workers.get(index) !== dead || replaced.has(dead)) return;
    replaced.add(dead);
    const lifeMs = performance.now() - bornAt;
    backoffMs = lifeMs > HEALTHY_LIFE_MS ? FIRST_BACKOFF_MS : Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    logger.error({ worker: index, ended_by: endedBy, life_ms: Math.round(lifeMs), replaced_in_ms: backoffMs }, 'a worker died');
    // It may have been filled in the meantime.
    setTimeout(() => { if (!isEnding && workers.get(index) === dead) workers.set(index, fork(index)); }, backoffMs);
  }

  let rolling: Promise<void> | undefined;
  let rollsAgain = false;

  /** One round after another: two at a time would fork two successors for one place, and lose sight of the first. */
  async function roll(): Promise<void> {
    do {
      rollsAgain = false;
      for (const [index, old] of workers) {
        if (isEnding) return;
        const successor = fork(index);
        await successor.ready;
        workers.set(index, successor);
        old.isLeaving = true;
        old.send({ type: 'replaced' });
        logger.info({ worker: index }, 'worker replaced');
      }
    } while (rollsAgain);
  }

  // Counts since a worker's last snapshot are lost when it is killed; a short interval keeps them few.
  const snapshots = setInterval(takeSnapshots, SNAPSHOT_INTERVAL_MS).unref();

  function takeSnapshots(): void {
    for (const worker of all) if (worker.isReady()) worker.scrape().catch(() => undefined);
    setTimeout(shareHealth, ANSWER_MS).unref();
  }

  /** Each worker answers `/anthropic/health` for the whole gateway, and judges a 403 by the successes of all. */
  function shareHealth(): void {
    for (const worker of workers.values()) {
      const others = [...workers.values()].filter((other) => other !== worker);
      worker.send({ type: 'other_health', parts: others.flatMap((other) => other.health() ?? []), successes: successesOf(others.flatMap((other) => other.upstreams())) });
    }
  }

  async function end(message: 'drain' | 'close', timeoutMs: number): Promise<void> {
    isEnding = true;
    clearInterval(snapshots);
    for (const worker of all) {
      worker.isLeaving = true;
      worker.send({ type: message });
    }
    const killer = setTimeout(() => { for (const worker of all) worker.kill(); }, timeoutMs);
    await Promise.all([...all].map(({ exited }) => exited));
    clearTimeout(killer);
  }

  function conditions(): PartConditions {
    return mergePartConditions([...workers.values()].map((worker) => worker.conditions()));
  }

  function upstreams(): readonly UpstreamSnapshot[] {
    return mergeUpstreams([...workers.values()].flatMap((worker) => worker.upstreams()));
  }

  return {
    async start() {
      for (let index = 0; index < count; index += 1) workers.set(index, fork(index));
      const [port] = await Promise.all([...workers.values()].map(({ ready }) => ready));
      takeSnapshots();
      return port ?? 0;
    },
    isServing: () => [...workers.values()].some((worker) => worker.isReady()),
    warnings: () => ({ ...describeParts(conditions()), ...warningsOf(upstreams()) }),
    upstreams,
    async status(query) {
      const parts = await Promise.all(Array.from(all, (worker) => answerWithin(worker.status(query), STATUS_TIMEOUT_MS)));
      return parts.filter((part) => part !== undefined);
    },
    conditions,
    async administer(request) {
      const ready = [...workers.values()].find((worker) => worker.isReady());
      const answer = ready === undefined ? undefined : await answerWithin(ready.administer(request), ADMINISTRATION_TIMEOUT_MS);
      return answer ?? adminFailure(new AdminError(503, 'No worker of this gateway answers at the moment.'), createRequestId());
    },
    update(next) {
      config = next;
      // To those that are only starting or leaving as well: a client that was removed must be refused by all of them.
      for (const worker of all) worker.send({ type: 'update', config: divideConfig(next, { index: worker.index, count }) });
    },
    reopenLog() {
      for (const worker of all) worker.send({ type: 'reopen_log' });
    },
    restart() {
      // A restart that is asked for during a round needs another one: the first workers of this round may run an older installation.
      if (rolling !== undefined) rollsAgain = true;
      return (rolling ??= roll().finally(() => { rolling = undefined; }));
    },
    drain: (timeoutMs) => end('drain', timeoutMs),
    close: () => end('close', 2_000),
  };
}
