import type { Worker } from 'node:cluster';
import type { GroupNote } from '@penstock/upstream-group';
import type { AdminAnswer, AdminRequest } from '../../access/admin/admin-exchange.ts';
import { errorCodes } from '../../observe/log/describe-error.ts';
import type { HealthPart } from '../../pipe/health-part.ts';
import type { PartConditions } from '../../observe/causes.ts';
import type { UpstreamSnapshot } from '../../observe/upstreams/upstream-snapshot.ts';
import type { StatusPart } from '../../observe/status/status-part.ts';
import type { StatusQuery } from '../../observe/status/status-query.ts';
import { closeConnectionsOnTheirWay } from './connections-on-their-way.ts';
import { NoteOutbox } from './note-outbox.ts';
import { Questions } from './questions.ts';
import type { StateAnswer, StateQuestion } from '../../state/primary-database.ts';
import type { PrimaryMessage, WorkerMessage } from './worker-messages.ts';

/** One worker process as the primary sees it. */
export interface WorkerHandle {
  /** Unique over the life of the primary. */
  readonly id: number;
  /** Its place among the configured workers; a replacement takes over the place. */
  readonly index: number;
  /** Resolves with the port once the worker listens; rejects with a reason in words when it cannot. */
  readonly ready: Promise<number>;
  /** Resolves when the process is gone, with what ended it: a signal's name, or its exit code. */
  readonly exited: Promise<string>;
  /** Resolves when it takes nothing new because of a defect; its last responses may hold it for minutes. */
  readonly broken: Promise<void>;
  /** Whether the primary asked it to end. */
  isLeaving: boolean;
  readonly isReady: () => boolean;
  /** What is wrong with its parts, as its latest message described it. */
  readonly conditions: () => PartConditions;
  /** Its upstreams, as its latest message described them. */
  readonly upstreams: () => readonly UpstreamSnapshot[];
  /** Its health, as its latest message described it. */
  readonly health: () => HealthPart | undefined;
  /** Asks for its exposition text; does not settle while the worker is silent, and rejects once it is gone. */
  readonly scrape: () => Promise<string>;
  /** Asks for its status in the same way. */
  readonly status: (query: StatusQuery) => Promise<StatusPart>;
  /** Asks it to answer a request to the administration, in the same way. */
  readonly administer: (request: AdminRequest) => Promise<AdminAnswer>;
  /** Passes notes of other workers on; those on their way to a silent worker are bounded. */
  readonly passOn: (notes: readonly GroupNote[]) => void;
  /** Asks for all that a new worker has to know of upstreams and moved sessions, in the same way. */
  readonly allNotes: () => Promise<readonly GroupNote[]>;
  readonly send: (message: PrimaryMessage) => void;
  readonly kill: () => void;
}

/** What a worker sends of itself. */
export interface WorkerReports {
  /** What it noted of upstreams and moved sessions. */
  readonly onNotes: (id: number, notes: readonly GroupNote[]) => void;
  readonly onText: (id: number, text: string) => void;
  /** Answers a question about the state. */
  readonly onState: (question: StateQuestion) => Promise<StateAnswer>;
}

/** Wraps a forked worker. Every listener belongs to the worker's own emitter and goes with it. */
export function createWorkerHandle(worker: Worker, index: number, { onNotes, onText, onState }: WorkerReports): WorkerHandle {
  let conditions: PartConditions = {};
  let upstreams: readonly UpstreamSnapshot[] = [];
  let health: HealthPart | undefined;
  let isReady = false;
  closeConnectionsOnTheirWay(worker);
  const scrapes = new Questions<string>();
  const statuses = new Questions<StatusPart>();
  const administration = new Questions<AdminAnswer>();
  const routing = new Questions<readonly GroupNote[]>();

  const exited = new Promise<string>((resolve) => {
    const onGone = (endedBy: string): void => {
      scrapes.fail(new Error('the worker is gone'));
      statuses.fail(new Error('the worker is gone'));
      administration.fail(new Error('the worker is gone'));
      routing.fail(new Error('the worker is gone'));
      resolve(endedBy);
    };
    worker.once('exit', (code: number | null, signal: string | null) => onGone(signal ?? `exit code ${code}`));
    // A process that could not be started (descriptors, memory, pids) has no exit.
    worker.on('error', () => { if (worker.process.pid === undefined) onGone('no start'); });
  });
  const { promise: broken, resolve: onBroken } = Promise.withResolvers<void>();
  const ready = new Promise<number>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'ready') {
        isReady = true;
        resolve(message.port);
      } else if (message.type === 'failed') {
        reject(new Error(message.message));
      } else if (message.type === 'broken') {
        isReady = false;
        onBroken();
      } else if (message.type === 'status') {
        statuses.answer(message.question, message.part);
      } else if (message.type === 'administered') {
        administration.answer(message.question, message.answer);
      } else if (message.type === 'routing') {
        onNotes(worker.id, message.notes);
      } else if (message.type === 'all_notes') {
        routing.answer(message.question, message.notes);
      } else if (message.type === 'state') {
        void onState(message).then(send);
      } else {
        ({ conditions, upstreams, health } = message);
        onText(worker.id, message.text);
        scrapes.answer(message.scrape, message.text);
      }
    });
    worker.once('exit', (code, signal) => reject(new Error(`worker ${index} ended before it was ready (${signal ?? code})`)));
    worker.on('error', (error: unknown) => reject(new Error(`worker ${index} could not be started (${errorCodes(error)})`)));
  });
  // A worker may end before its promise has a handler.
  ready.catch(() => undefined);

  const send = (message: PrimaryMessage): void => {
    if (worker.isConnected()) worker.send(message);
  };
  const outbox = new NoteOutbox((notes, done) => {
    const message: PrimaryMessage = { type: 'routing', notes };
    // A worker that is gone has no use for them.
    if (worker.isConnected()) worker.send(message, done);
    else done();
  });
  return {
    id: worker.id, index, ready, exited, broken, isLeaving: false, send,
    isReady: () => isReady && worker.isConnected(),
    conditions: () => conditions,
    upstreams: () => upstreams,
    health: () => health,
    scrape: () => scrapes.ask((scrape) => { send({ type: 'scrape', scrape }); }),
    status: (query) => statuses.ask((question) => { send({ type: 'status', question, query }); }),
    administer: (request) => administration.ask((question) => { send({ type: 'administer', question, request }); }),
    passOn: (notes) => { outbox.add(notes); },
    allNotes: () => routing.ask((question) => { send({ type: 'all_notes', question }); }),
    kill: () => { worker.process.kill('SIGKILL'); },
  };
}
