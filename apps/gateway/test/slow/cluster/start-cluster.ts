import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNodeOnHost, startOnHost } from '../hosts/start-on-host.ts';
import { makeSwitchedHosts, whyNoSwitchedHosts } from '../hosts/switched-hosts.ts';
import { createScratchFolder } from '../release/scratch-folder.ts';
import { balancerConfig, BALANCER_PORT, OPERATIONS_PORT, PORT, replicaConfig, UPSTREAM_PORT, type ClusterClient } from './cluster-config.ts';
import { startReplica, type Replica } from './start-replica.ts';

/** Replicas behind a balancer, a Redis that they share and their upstream, each on a host of its own. */
export interface Cluster {
  /** The balancer. */
  readonly origin: string;
  readonly replicas: readonly Replica[];
  close(): Promise<void>;
}

/** Why there can be no cluster here; `undefined` when there can. */
export function whyNoCluster(): string | undefined {
  for (const [program, option] of [['haproxy', '-v'], ['redis-server', '--version']] as const) {
    if (spawnSync(program, [option]).status !== 0) return `${program} is not installed`;
  }
  return whyNoSwitchedHosts();
}

/** Makes the hosts and starts everything on them. */
export async function startCluster(size: number, clients: readonly ClusterClient[]): Promise<Cluster> {
  const replicaNames = Array.from({ length: size }, (_, index) => `replica${index + 1}`);
  const hosts = makeSwitchedHosts(['balancer', 'redis', 'upstream', ...replicaNames]);
  const scratch = createScratchFolder();
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(stops.map(async (stop) => await stop()));
    hosts.remove();
    scratch.remove();
  };
  const keep = (child: Awaited<ReturnType<typeof startOnHost>>): void => {
    stops.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
  };
  const write = (name: string, text: string): string => {
    const file = join(scratch.path, name);
    writeFileSync(file, text);
    return file;
  };
  try {
    keep(await startOnHost(hosts.space('redis'), 'redis-server', ['--bind', hosts.address('redis'), '--protected-mode', 'no', '--save', '', '--appendonly', 'no'], 'Ready to accept connections'));
    keep(await startNodeOnHost(hosts.space('upstream'), [join(import.meta.dirname, 'cluster-upstream.ts'), hosts.address('upstream'), String(UPSTREAM_PORT)], 'listening'));
    const file = write('gateway.json', replicaConfig({ balancer: hosts.address('balancer'), redis: hosts.address('redis'), upstream: hosts.address('upstream'), clients }));
    const replicas = await Promise.all(replicaNames.map(async (name) => {
      const replica = await startReplica({ space: hosts.space(name), address: hosts.address(name), port: PORT, operationsPort: OPERATIONS_PORT, file });
      stops.push(async () => await replica.kill());
      return replica;
    }));
    // Where it listens is bound by then.
    keep(await startOnHost(hosts.space('balancer'), 'haproxy', ['-V', '-db', '-f', write('haproxy.cfg', balancerConfig(replicaNames.map((name) => hosts.address(name))))], 'Using epoll'));
    return { origin: `http://${hosts.address('balancer')}:${BALANCER_PORT}`, replicas, close };
  } catch (error) {
    await close();
    throw error;
  }
}
