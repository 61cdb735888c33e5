import { pause } from './cause-incidents.ts';
import { type SpawnedGateway, workersOf } from './spawn-gateway.ts';
import type { Prometheus } from './start-prometheus.ts';

/** What was done to a gateway of several workers, and what its clients saw; times are Unix seconds. */
export interface WorkersTruth {
  /** Since then it was well, with two workers and under load. */
  readonly wellSince: number;
  readonly killedAt: number;
  /** Requests that were sent until the load ended, and when each whole answer had arrived; the others broke with the worker. */
  readonly sent: number;
  readonly answeredAt: readonly number[];
  /** Requests that were sent to the replaced fleet afterwards, each answered. */
  readonly sentAfterwards: number;
}

const JOB = 'job="penstock-workers"';
const BOTH_UP = `sum(penstock_workers{${JOB}, state="up"}) == 2`;
const BODY = '{"model":"claude-x","max_tokens":8,"messages":[]}';
const LANES = 4;
const AFTERWARDS = 40;

async function send(gateway: SpawnedGateway): Promise<void> {
  const response = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json' } });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`status ${response.status}`);
}

/** Keeps it busy; a request may break with the worker that has it, and is not sent again. */
function startLoad(gateway: SpawnedGateway): { stop(): Promise<{ readonly sent: number; readonly answeredAt: readonly number[] }> } {
  const answeredAt: number[] = [];
  let sent = 0;
  const stopping = new AbortController();
  const lane = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      sent += 1;
      await send(gateway).then(() => answeredAt.push(Date.now() / 1000)).catch(() => undefined);
      await pause(25);
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, lane));
  return {
    async stop() {
      stopping.abort();
      await lanes;
      return { sent, answeredAt };
    },
  };
}

/** A gateway that is well, whose workers are replaced in order, of which one is killed under load, and which is well again. */
export async function crashWorker(gateway: SpawnedGateway, prometheus: Prometheus): Promise<WorkersTruth> {
  const load = startLoad(gateway);
  await prometheus.until(`${BOTH_UP} and on () sum(rate(penstock_request_outcomes_total{${JOB}}[4s])) > 0`);
  const wellSince = Date.now() / 1000;
  const first = workersOf(gateway);
  gateway.process.kill('SIGUSR2');
  while (workersOf(gateway).some((pid) => first.includes(pid))) await pause(100);
  await prometheus.until(`min_over_time((${BOTH_UP})[3s:500ms]) == 2 and on () penstock_worker_crashes_total{${JOB}} == 0`);
  // The three seconds of the query may have begun before all was well.
  while (Date.now() / 1000 - wellSince < 3.5) await pause(100);
  const [victim = 0] = workersOf(gateway);
  const killedAt = Date.now() / 1000;
  process.kill(victim, 'SIGKILL');
  await prometheus.until(`ALERTS{alertname="PenstockWorkerCrashed", alertstate="firing", ${JOB}}`);
  await prometheus.until(`${BOTH_UP} and on () penstock_worker_crashes_total{${JOB}} == 1`);
  const { sent, answeredAt } = await load.stop();
  for (let index = 0; index < AFTERWARDS; index += 1) await send(gateway);
  return { wellSince, killedAt, sent, answeredAt, sentAfterwards: AFTERWARDS };
}
