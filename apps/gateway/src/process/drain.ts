import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Lifecycle } from './lifecycle.ts';

/** How long each part of the drain may take; milliseconds. */
export interface DrainSettings {
  readonly preStopDelayMs: number;
  readonly drainTimeoutMs: number;
}

/** What the drain acts on. */
export interface DrainOptions {
  readonly server: Server;
  readonly lifecycle: Lifecycle;
  readonly settings: () => DrainSettings;
  /** Breaks every response that is still open, visibly to its client. */
  readonly interrupt: (reason: string) => void;
  /** Requests that were not settled yet: whose line is not in the log, and whose cost is not in the ledger. */
  readonly openRequests: () => number;
  readonly closeUpstreams: (graceMs: number) => Promise<void>;
}

/** Ends a gateway without cutting off open responses before the timeout. */
export interface Drain {
  /** Runs the whole sequence once; further calls get the same promise. */
  run(): Promise<void>;
  /** The same for a process whose successor listens already: it takes no new connections, and refuses no request on open ones. */
  runForSuccessor(): Promise<void>;
  /** Ends at once. */
  closeNow(): Promise<void>;
}

const INTERRUPT_GRACE_MS = 1_000;
const SWEEP_INTERVAL_MS = 250;
/** How long the end waits for requests whose connections are gone to be settled, and how often it looks. */
const SETTLE_GRACE_MS = 500;
const SETTLE_INTERVAL_MS = 5;
/** Time in which the clients of a replaced process see `connection: close` and move, before idle connections are cut. */
const SUCCESSOR_GRACE_MS = 1_000;

/**
 * The order of a shutdown: readiness flips and every response carries `connection: close`; after the pre-stop delay new
 * requests are refused; open responses may run until the timeout and are then broken visibly. It waits for connections, not
 * for time: an idle gateway is gone at once. Every step is bounded.
 */
export function createDrain(options: DrainOptions): Drain {
  const { server, lifecycle } = options;
  let running: Promise<void> | undefined;
  let endDelay = (): void => undefined;

  /** The pre-stop delay, which an end at once ends as well: its timer would keep the process. */
  function delay(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      endDelay = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    const { preStopDelayMs } = options.settings();
    lifecycle.moveTo('leaving');
    if (preStopDelayMs > 0) await delay(preStopDelayMs);
    lifecycle.moveTo('refusing');
    await finish(closeServer(server));
  }

  async function finish(closed: Promise<void>): Promise<void> {
    if (!await endsWithin(closed, options.settings().drainTimeoutMs)) {
      options.interrupt('the drain timeout passed');
      if (!await endsWithin(closed, INTERRUPT_GRACE_MS)) server.closeAllConnections();
    }
    await untilSettled();
    await options.closeUpstreams(0);
  }

  /** A request is settled some turns after its connection is gone, and what ends with the gateway takes its record. */
  async function untilSettled(): Promise<void> {
    const deadline = performance.now() + SETTLE_GRACE_MS;
    while (options.openRequests() > 0 && performance.now() < deadline) await new Promise((resolve) => { setTimeout(resolve, SETTLE_INTERVAL_MS); });
  }

  async function runForSuccessor(): Promise<void> {
    lifecycle.moveTo('leaving');
    // Only the listening socket is closed: `close` of the HTTP server would also cut connections whose first request is on its way.
    const closed = new Promise<void>((resolve) => { NetServer.prototype.close.call(server, () => resolve()); });
    await endsWithin(closed, SUCCESSOR_GRACE_MS);
    const timer = setInterval(() => server.closeIdleConnections(), SWEEP_INTERVAL_MS);
    await finish(closed);
    clearInterval(timer);
  }

  async function closeNow(): Promise<void> {
    lifecycle.moveTo('refusing');
    endDelay();
    options.interrupt('the gateway was told to stop at once');
    const closed = closeServer(server);
    server.closeAllConnections();
    await endsWithin(closed, INTERRUPT_GRACE_MS);
    await untilSettled();
    await options.closeUpstreams(0);
  }

  return {
    run: () => (running ??= run()),
    runForSuccessor: () => (running ??= runForSuccessor()),
    closeNow,
  };
}

/** Stops listening; resolves when the last connection is gone. A connection that falls idle is closed at once, not after its keep-alive. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) {
      resolve();
      return;
    }
    const sweep = (): void => server.closeIdleConnections();
    const onRequest = (_request: unknown, response: { once(event: 'close', listener: () => void): void }): void => {
      response.once('close', () => setImmediate(sweep));
    };
    server.on('request', onRequest);
    // Responses that were open before this have no listener of ours, and half-sent requests hold their connection.
    const timer = setInterval(sweep, SWEEP_INTERVAL_MS);
    server.close(() => {
      clearInterval(timer);
      server.off('request', onRequest);
      resolve();
    });
    sweep();
  });
}

/** Whether a promise resolves in time; its timer never outlives it. */
async function endsWithin(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<false>((resolve) => { timer = setTimeout(() => resolve(false), milliseconds); });
  try {
    return await Promise.race([promise.then(() => true as const), expired]);
  } finally {
    clearTimeout(timer);
  }
}
