import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { refusalError } from './refusal.ts';
import { toOwnMemory, type ThreadAnswer, type ThreadRequest } from './thread-messages.ts';
import { RUN_JOB, type JobKind, type TranslationJobs } from './translation-job.ts';

/** Bounds of the translation of large bodies. */
export interface TranslatorLimits {
  /** A body of more bytes is read on a thread of its own, so that nothing else waits for it. */
  readonly maxInlineBytes: number;
  /** Large bodies that wait for the thread; one more is `overloaded`. */
  readonly maxWaiting: number;
  /** What reading one body may take in objects, in MiB. A thread that needs more is ended, and its request refused. @defaultValue 512 */
  readonly maxHeapMib?: number;
}

/** Reads whole bodies: small ones at once, large ones on one other thread, one after the other. */
export interface Translator {
  /** Runs a job. Bytes of a large body are handed over, and may be gone here afterwards. Rejects with a `FrontDoorError`, or with a defect. */
  run<Kind extends JobKind>(kind: Kind, json: Uint8Array, plan: TranslationJobs[Kind]['plan'], signal: AbortSignal): Promise<TranslationJobs[Kind]['result']>;
  /** How many large bodies are being read or wait. */
  pending(): number;
}

interface PendingJob {
  readonly request: ThreadRequest;
  readonly signal: AbortSignal;
  readonly settle: (answer: ThreadAnswer) => void;
}

/** An idle thread is ended after so long: it holds the memory that its largest body took. */
const IDLE_MS = 10_000;

/** Some ten times the largest body. */
const DEFAULT_MAX_HEAP_MIB = 512;

const THREAD_FILE = new URL(`./translation-thread${extname(import.meta.url)}`, import.meta.url);

function isOutOfMemory(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

/** What a body means that the thread had no memory for. */
function outOfMemory(kind: JobKind, cause: Error): FrontDoorError {
  if (kind === 'answer' || kind === 'responseAnswer') return new FrontDoorError('upstream_invalid', 'The upstream gave an answer that needs more memory than its translation may take.', { cause });
  return new FrontDoorError('too_large', 'The request needs more memory than its translation may take.', { cause });
}

/** Creates a translator; its thread is started when the first large body comes, and keeps no process alive. */
export function createTranslator(limits: TranslatorLimits): Translator {
  const queue = new JobQueue(limits);
  return {
    run: async <Kind extends JobKind>(kind: Kind, json: Uint8Array, plan: TranslationJobs[Kind]['plan'], signal: AbortSignal) => {
      if (json.length <= limits.maxInlineBytes) return RUN_JOB[kind](json, plan);
      return await queue.run({ kind, json: toOwnMemory(json), plan }, signal);
    },
    pending: () => queue.size,
  };
}

class JobQueue {
  readonly #maxWaiting: number;
  readonly #maxHeapMib: number;
  readonly #waiting = new Set<PendingJob>();
  #running: PendingJob | undefined;
  #thread: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor({ maxWaiting, maxHeapMib = DEFAULT_MAX_HEAP_MIB }: TranslatorLimits) {
    this.#maxWaiting = maxWaiting;
    this.#maxHeapMib = maxHeapMib;
  }

  get size(): number {
    return this.#waiting.size + (this.#running === undefined ? 0 : 1);
  }

  run(request: ThreadRequest, signal: AbortSignal): Promise<TranslationJobs[JobKind]['result']> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (this.#waiting.size >= this.#maxWaiting) {
        reject(new FrontDoorError('overloaded', `The gateway translates large bodies one after the other, and ${this.#maxWaiting} of them wait already.`, { retryAfterSeconds: 1 }));
        return;
      }
      const onAbort = (): void => {
        this.#waiting.delete(job);
        reject(signal.reason as Error);
      };
      const job: PendingJob = {
        request, signal,
        settle: (answer) => {
          signal.removeEventListener('abort', onAbort);
          if ('result' in answer) resolve(answer.result);
          else if ('refusal' in answer) reject(refusalError(answer.refusal));
          else reject(answer.failure);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(job);
      this.#startNext();
    });
  }

  #startNext(): void {
    const [next] = this.#waiting;
    if (this.#running !== undefined || next === undefined) return;
    this.#waiting.delete(next);
    this.#running = next;
    clearTimeout(this.#idleTimer);
    this.#thread ??= this.#startThread();
    this.#thread.ref();
    this.#thread.postMessage(next.request, [next.request.json.buffer]);
  }

  #startThread(): Worker {
    // No flag, no environment variable (a credential may be among them) and no stream of this process reaches the thread.
    const thread = new Worker(THREAD_FILE, { execArgv: [], env: {}, resourceLimits: { maxOldGenerationSizeMb: this.#maxHeapMib } });
    thread.on('message', (answer: ThreadAnswer) => { this.#finish(answer); });
    thread.on('error', (error: Error) => {
      this.#thread = undefined;
      const kind = this.#running?.request.kind;
      this.#finish({ failure: kind !== undefined && isOutOfMemory(error) ? outOfMemory(kind, error) : error });
    });
    return thread;
  }

  #finish(answer: ThreadAnswer): void {
    const ended = this.#running;
    this.#running = undefined;
    ended?.settle(answer);
    this.#startNext();
    if (this.#running !== undefined) return;
    this.#thread?.unref();
    this.#idleTimer = setTimeout(() => { this.#endThread(); }, IDLE_MS).unref();
  }

  #endThread(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    void thread?.terminate();
  }
}
