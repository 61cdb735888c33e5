import { openRawConnection } from '@penstock/test-support';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { countOutcome, type Truth } from './send-load.ts';
import { CLIENT_KEYS, sendTrouble } from './send-trouble.ts';
import type { SpawnedGateway } from './spawn-gateway.ts';
import type { Prometheus } from './start-prometheus.ts';
import type { TroubledUpstream } from './start-troubled-upstream.ts';

/** What an incident needs. */
export interface Scene {
  readonly gateway: SpawnedGateway;
  readonly upstream: TroubledUpstream;
  readonly prometheus: Prometheus;
  /** What the clients of the gateway saw. */
  readonly truth: Truth;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** The slow burn needs an hour of data, which is a minute here. */
const LONGEST_MS = 150_000;

async function firing({ prometheus }: Scene, alert: string): Promise<void> {
  await prometheus.until(`ALERTS{alertname="${alert}", alertstate="firing", job="penstock-troubled"}`, LONGEST_MS);
}

/** Repeats something until a promise settles, and resolves or rejects with it. */
export async function during(promise: Promise<unknown>, action: () => Promise<void>): Promise<void> {
  const settled = new AbortController();
  const watching = promise.finally(() => settled.abort());
  while (!settled.signal.aborted) await action();
  await watching;
}

/** Begins something again and again until an alert fires; gives what was begun. */
async function until(scene: Scene, alert: string, everyMs: number, begin: () => Promise<void>): Promise<Promise<void>[]> {
  const begun: Promise<void>[] = [];
  await during(firing(scene, alert), async () => {
    begun.push(begin());
    await pause(everyMs);
  });
  return begun;
}

/** The same, where each ends by itself. */
async function untilDone(...parameters: Parameters<typeof until>): Promise<void> {
  await Promise.all(await until(...parameters));
}

/** Waits until the gateway has counted every client that left: what happens to their upstream afterwards changes nothing any more. */
async function untilGone({ gateway, truth }: Scene): Promise<void> {
  for (;;) {
    if (sumOf(await metricsOf(gateway), 'penstock_request_outcomes_total', { side: 'native', outcome: 'client_gone' }) === truth.outcomes.client_gone) return;
    await pause(50);
  }
}

/** One of everything that can happen to a request, so that every panel has something to show. */
export async function sendVariety(scene: Scene): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    for (const trouble of ['', 'status=529', 'status=429', 'status=400', 'error-event', 'no-stop', 'reset', 'quota']) await sendTrouble(scene, trouble);
    await sendTrouble(scene, '', { key: 'pen_unknown' });
    await sendTrouble(scene, '', { key: CLIENT_KEYS.limited });
    const leaving = new AbortController();
    await sendTrouble(scene, 'hang', { signal: leaving.signal, onHead: () => leaving.abort() });
    await pause(250);
  }
}

/** Responses that say that a quota is nearly gone. */
export async function spendQuota(scene: Scene): Promise<void> {
  await untilDone(scene, 'PenstockQuotaNearlyGone', 500, () => sendTrouble(scene, 'quota'));
}

/** Responses that break after their head. */
export async function truncateStreams(scene: Scene): Promise<void> {
  await untilDone(scene, 'PenstockStreamsTruncated', 200, () => sendTrouble(scene, 'cut'));
}

/** An upstream that does not listen; both burn alerts follow from what fails meanwhile. */
export async function loseUpstream(scene: Scene): Promise<void> {
  await scene.upstream.stop();
  await untilDone(scene, 'PenstockUpstreamUnreachable', 200, () => sendTrouble(scene, ''));
  await untilDone(scene, 'PenstockErrorBudgetFastBurn', 200, () => sendTrouble(scene, ''));
  await untilDone(scene, 'PenstockErrorBudgetSlowBurn', 500, () => sendTrouble(scene, ''));
  await scene.upstream.listen();
}

/** A key that the API refuses, until it takes it again. */
export async function revokeKey(scene: Scene): Promise<void> {
  await untilDone(scene, 'PenstockCredentialRefused', 200, () => sendTrouble(scene, 'status=401'));
  await sendTrouble(scene, '');
}

/** The API's own overload. */
export async function overloadApi(scene: Scene): Promise<void> {
  await untilDone(scene, 'PenstockApiFailing', 200, () => sendTrouble(scene, 'status=529'));
}

/** Requests with a key that no client has. */
export async function sendWrongKeys(scene: Scene): Promise<void> {
  await untilDone(scene, 'PenstockWrongKeys', 40, () => sendTrouble(scene, '', { key: 'pen_unknown' }));
}

/** A client that asks for large answers and reads none of them. */
export async function stopReading(scene: Scene): Promise<void> {
  const stalled = await until(scene, 'PenstockSlowClient', 500, () => stallOnce(scene));
  await Promise.all(stalled);
}

async function stallOnce({ gateway, truth }: Scene): Promise<void> {
  const connection = await openRawConnection(gateway.port);
  connection.socket.pause();
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: ${CLIENT_KEYS.carol}\r\ncontent-type: application/json\r\nanthropic-trouble: large\r\ncontent-length: 2\r\n\r\n{}`);
  countOutcome(truth, 'client_stalled', 200);
  while (!connection.socket.closed) {
    await pause(100);
    // What the kernel holds is read only once the gateway has given the answer up.
    if (sumOf(await metricsOf(gateway), 'penstock_request_outcomes_total', { side: 'native', outcome: 'client_stalled' }) === truth.outcomes.client_stalled) connection.close();
  }
}

async function metricsOf({ operationsPort }: SpawnedGateway): Promise<string> {
  return (await fetch(`http://127.0.0.1:${operationsPort}/metrics`)).text();
}

/** Streams that hold every slot, waiters behind them, then more than the queue takes. */
export async function fillPool(scene: Scene): Promise<void> {
  const leaving = new AbortController();
  const open = Array.from({ length: 4 }, () => sendTrouble(scene, 'hang', { signal: leaving.signal }));
  await firing(scene, 'PenstockPoolSaturated');
  open.push(...await until(scene, 'PenstockOldestWaiter', 300, () => sendTrouble(scene, 'hang', { signal: leaving.signal })));
  await firing(scene, 'PenstockPoolHeldByOneClient');
  // These clients stay: one that leaves while it is refused could not know whether it was refused or waited.
  const staying = await until(scene, 'PenstockRequestsRefused', 100, () => sendTrouble(scene, 'hang'));
  leaving.abort();
  await Promise.all(open);
  await untilGone(scene);
  await during(Promise.all(staying), async () => {
    scene.upstream.releaseAll();
    await pause(50);
  });
}

/** Four clients that begin to upload and stop, each holding the most memory that one client may. */
export async function fillMemory(scene: Scene): Promise<void> {
  const connections = await Promise.all(['alice', 'bob', 'carol', 'dave'].map(async (client) => {
    const connection = await openRawConnection(scene.gateway.port);
    connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: pen_${client}\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n{"model":"m","x":"${'x'.repeat(1_000_000)}`);
    return connection;
  }));
  await firing(scene, 'PenstockMemoryBudgetNearlySpent');
  for (const connection of connections) {
    connection.close();
    countOutcome(scene.truth, 'client_gone', 499);
  }
  await untilGone(scene);
}
