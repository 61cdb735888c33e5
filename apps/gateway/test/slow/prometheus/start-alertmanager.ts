import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, type AlertLabels } from '@penstock/test-support';

/** Its name in Debian, and the one of its own release. */
const PROGRAM = ['prometheus-alertmanager', 'alertmanager'].find((name) => spawnSync(name, ['--version']).status === 0);
export const HAS_ALERTMANAGER: boolean = PROGRAM !== undefined;

/** A real Alertmanager with the configuration that is shipped. */
export interface Alertmanager {
  /** Sends alerts as Prometheus does. */
  fire(alerts: readonly AlertLabels[]): Promise<void>;
  /** Those that it suppresses and those that notify; neither has the ones that it did not judge yet. */
  judged(): Promise<{ readonly suppressed: readonly AlertLabels[]; readonly active: readonly AlertLabels[] }>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface JudgedAlert {
  readonly labels: AlertLabels;
  readonly status: { readonly state: 'unprocessed' | 'active' | 'suppressed' };
}

/** Starts Alertmanager on a free loopback port, without its cluster. */
export async function startAlertmanager(): Promise<Alertmanager> {
  if (PROGRAM === undefined) throw new Error('Alertmanager is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'penstock-alertmanager-'));
  const address = `127.0.0.1:${await freePort()}`;
  const configuration = fileURLToPath(new URL('../../../../../deploy/prometheus/alertmanager.yml', import.meta.url));
  const child = spawn(PROGRAM, [
    `--config.file=${configuration}`, `--storage.path=${folder}`, `--web.listen-address=${address}`, '--cluster.listen-address=', '--log.level=error',
  ], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const alerts = `http://${address}/api/v2/alerts`;
  while (!await fetch(`http://${address}/-/ready`).then(({ ok }) => ok, () => false)) {
    if (child.exitCode !== null) throw new Error(`alertmanager ended with ${child.exitCode}`);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  return {
    async fire(firing) {
      const { status } = await fetch(alerts, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(firing.map((labels) => ({ labels }))) });
      if (status !== 200) throw new Error(`alertmanager answered ${status}`);
    },
    async judged() {
      const all = await (await fetch(alerts)).json() as readonly JudgedAlert[];
      const inState = (state: JudgedAlert['status']['state']): AlertLabels[] => all.filter(({ status }) => status.state === state).map(({ labels }) => labels);
      return { suppressed: inState('suppressed'), active: inState('active') };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
