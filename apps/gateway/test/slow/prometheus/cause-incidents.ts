import { writeFile } from 'node:fs/promises';
import { openRawConnection } from '@penstock/test-support';
import type { SpawnedGateway } from './spawn-gateway.ts';
import type { Prometheus } from './start-prometheus.ts';
import type { TroubledUpstream } from './start-troubled-upstream.ts';

/** Client keys of the gateway that gets into trouble, by client. */
export const CLIENT_KEYS = { alice: 'pen_alice', bob: 'pen_bob', carol: 'pen_carol', dave: 'pen_dave', limited: 'pen_limited' } as const;

/** What an incident needs. */
export interface Scene {
  readonly gateway: SpawnedGateway;
  readonly upstream: TroubledUpstream;
  readonly prometheus: Prometheus;
}

const BODY = '{"model":"claude-troubled","max_tokens":8,"stream":true,"messages":[]}';

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** How one request is sent. */
interface SendOptions {
  /** The client's key. @defaultValue that of alice */
  readonly key?: string;
  /** Aborts it. */
  readonly signal?: AbortSignal;
}

/** Sends one request and reads what comes, whatever it is; resolves with the status, 0 when the response broke. */
export async function send(gateway: SpawnedGateway, trouble: string, { key, signal }: SendOptions = {}): Promise<number> {
  try {
    const response = await fetch(`${gateway.anthropic}/v1/messages`, {
      method: 'POST', body: BODY, headers: { 'content-type': 'application/json', 'x-api-key': key ?? CLIENT_KEYS.alice, 'anthropic-trouble': trouble }, ...(signal === undefined ? {} : { signal }),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

async function firing({ prometheus }: Scene, alert: string): Promise<void> {
  await prometheus.until(`ALERTS{alertname="${alert}", alertstate="firing", job="penstock-troubled"}`);
}

/** Repeats something until a promise settles, and resolves or rejects with it. */
async function during(promise: Promise<void>, action: () => Promise<void>): Promise<void> {
  const settled = new AbortController();
  const watching = promise.finally(() => settled.abort());
  while (!settled.signal.aborted) await action();
  await watching;
}

/** Repeats something until an alert fires. */
async function until(scene: Scene, alert: string, everyMs: number, action: () => Promise<unknown> | void): Promise<void> {
  await during(firing(scene, alert), async () => {
    void action();
    await pause(everyMs);
  });
}

/** One of everything that can happen to a request, so that every panel has something to show. */
export async function sendVariety({ gateway }: Scene): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    for (const trouble of ['', 'status=529', 'status=429', 'status=400', 'error-event', 'no-stop', 'reset', 'quota']) await send(gateway, trouble);
    await send(gateway, '', { key: 'pen_nobody' });
    await send(gateway, '', { key: CLIENT_KEYS.limited });
    const leaving = new AbortController();
    const sent = send(gateway, 'hang', { signal: leaving.signal });
    await pause(100);
    leaving.abort();
    await sent;
    await pause(250);
  }
}

/** Responses that say that a quota is nearly gone. */
export async function spendQuota(scene: Scene): Promise<void> {
  await until(scene, 'PenstockQuotaNearlyGone', 500, () => send(scene.gateway, 'quota'));
}

/** Responses that break after their head. */
export async function truncateStreams(scene: Scene): Promise<void> {
  await until(scene, 'PenstockStreamsTruncated', 200, () => send(scene.gateway, 'cut'));
}

/** An upstream that does not listen; both burn alerts follow from what fails meanwhile. */
export async function loseUpstream(scene: Scene): Promise<void> {
  await scene.upstream.stop();
  await until(scene, 'PenstockUpstreamUnreachable', 200, () => send(scene.gateway, ''));
  await until(scene, 'PenstockErrorBudgetFastBurn', 200, () => send(scene.gateway, ''));
  await until(scene, 'PenstockErrorBudgetSlowBurn', 500, () => send(scene.gateway, ''));
  await scene.upstream.listen();
}

/** Streams that hold every slot, waiters behind them, then more than the queue takes. */
export async function fillPool(scene: Scene): Promise<void> {
  const leaving = new AbortController();
  const open = Array.from({ length: 4 }, () => send(scene.gateway, 'hang', { signal: leaving.signal }));
  await firing(scene, 'PenstockPoolSaturated');
  await until(scene, 'PenstockWaitersRising', 300, () => void open.push(send(scene.gateway, 'hang', { signal: leaving.signal })));
  await until(scene, 'PenstockRequestsRefused', 100, () => void open.push(send(scene.gateway, 'hang', { signal: leaving.signal })));
  leaving.abort();
  scene.upstream.releaseAll();
  await Promise.all(open);
}

/** Four clients that begin to upload and stop, each holding the most memory that one client may. */
export async function fillMemory(scene: Scene): Promise<void> {
  const connections = await Promise.all(['alice', 'bob', 'carol', 'dave'].map(async (client) => {
    const connection = await openRawConnection(scene.gateway.port);
    connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: pen_${client}\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n{"model":"m","x":"${'x'.repeat(1_000_000)}`);
    return connection;
  }));
  await firing(scene, 'PenstockMemoryBudgetNearlySpent');
  for (const connection of connections) connection.close();
}

/** Waits for an alert of the gateway whose process gets into trouble. */
async function firingOnProcess(prometheus: Prometheus, alert: string): Promise<void> {
  await prometheus.until(`ALERTS{alertname="${alert}", alertstate="firing", job="penstock-process"}`);
}

/** A log that cannot be written, a bad configuration, a slow machine, a shutdown that does not end, and the end. */
export async function troubleProcess(gateway: SpawnedGateway, prometheus: Prometheus): Promise<void> {
  await firingOnProcess(prometheus, 'PenstockObserverErrors');

  await writeFile(gateway.configFile, '{"no_such_key": true}');
  gateway.process.kill('SIGHUP');
  await firingOnProcess(prometheus, 'PenstockConfigReloadFailed');

  await during(firingOnProcess(prometheus, 'PenstockEventLoopLag'), async () => {
    gateway.process.kill('SIGSTOP');
    await pause(350);
    gateway.process.kill('SIGCONT');
    await pause(150);
  });

  const leaving = new AbortController();
  const open = fetch(`${gateway.anthropic}/v1/messages`, {
    method: 'POST', body: '{"model":"sim-long","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"x"}]}', signal: leaving.signal,
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'anthropic-simulator': 'stall-at=400' },
  }).then((response) => response.text()).catch(() => 'left');
  await prometheus.until('penstock_streams_open{job="penstock-process"} > 0');
  gateway.process.kill('SIGTERM');
  await firingOnProcess(prometheus, 'PenstockDrainStuck');

  gateway.process.kill('SIGKILL');
  await firingOnProcess(prometheus, 'PenstockDown');
  leaving.abort();
  await open;
}
