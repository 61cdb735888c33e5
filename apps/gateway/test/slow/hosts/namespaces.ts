import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Addresses of the two hosts beside the client's, which is this one. */
export const ADDRESSES = { client: '10.213.1.1', gateway: '10.213.1.2', gatewayToUpstream: '10.213.2.1', upstream: '10.213.2.2', operatorsEnd: '10.213.3.1', operations: '10.213.3.2' } as const;

/** Three hosts in a row, client, gateway and upstream, and a wire to the gateway's operations listener that is never cut. */
export interface Hosts {
  /** Names of the network namespaces, for `ip netns exec`. */
  readonly gateway: string;
  readonly upstream: string;
  /** Cuts or restores the wire between client and gateway. */
  clientLink(state: 'up' | 'down'): void;
  /** Cuts or restores the wire between gateway and upstream. */
  upstreamLink(state: 'up' | 'down'): void;
  /** Runs `ip` with words separated by blanks on the gateway's host. */
  onGateway(command: string): void;
  remove(): void;
}

/** Runs a command whose words are separated by blanks. */
export function runCommand(command: string): { readonly ok: boolean; readonly error: string } {
  const [program = '', ...args] = command.split(' ');
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  return { ok: status === 0, error: `${command}: ${error?.message ?? stderr.trim()}` };
}

/** Why hosts cannot be made here; `undefined` when they can. */
export function whyNoHosts(): string | undefined {
  const name = `penstock-probe-${process.pid}`;
  const made = runCommand(`ip netns add ${name}`);
  if (!made.ok) return made.error;
  const wired = runCommand(`ip link add pp${process.pid % 100_000} netns ${name} type veth peer name pq${process.pid % 100_000}`);
  runCommand(`ip netns del ${name}`);
  return wired.ok ? undefined : wired.error;
}

/** Runs a command that must succeed. */
export function must(command: string): void {
  const { ok, error } = runCommand(command);
  if (!ok) throw new Error(error);
}

/**
 * Removes the hosts of test runs that were killed: two networks with the same addresses would both be routed to, and one of them answers.
 * What still runs on them is killed first, since a namespace lives as long as its processes.
 */
export function removeForgottenHosts(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [, name = '', id = ''] of stdout.matchAll(/^(penstock-[\w-]+-(\d+))/gm)) {
    if (existsSync(`/proc/${id}`)) continue;
    const { stdout: processes } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
    for (const pid of processes.split('\n')) if (pid !== '') runCommand(`kill -9 ${pid}`);
    runCommand(`ip netns del ${name}`);
  }
}

/** Makes the hosts. They are gone, wires included, after `remove`. */
export function makeHosts(): Hosts {
  const id = process.pid % 100_000;
  const [gateway, upstream] = [`penstock-gw-${id}`, `penstock-up-${id}`];
  const remove = (): void => {
    for (const name of [gateway, upstream]) runCommand(`ip netns del ${name}`);
    for (const name of [`pc${id}`, `po${id}`]) runCommand(`ip link del ${name}`);
  };
  const wire = (near: string, nearAddress: string, far: string, farAddress: string, nearSpace?: string, farSpace: string = gateway): void => {
    const within = nearSpace === undefined ? '' : `ip netns exec ${nearSpace} `;
    must(`ip link add ${near} type veth peer name ${far}`);
    if (nearSpace !== undefined) must(`ip link set ${near} netns ${nearSpace}`);
    must(`ip link set ${far} netns ${farSpace}`);
    must(`${within}ip addr add ${nearAddress}/24 dev ${near}`);
    must(`ip netns exec ${farSpace} ip addr add ${farAddress}/24 dev ${far}`);
    must(`${within}ip link set ${near} up`);
    must(`ip netns exec ${farSpace} ip link set ${far} up`);
  };
  removeForgottenHosts();
  try {
    for (const name of [gateway, upstream]) {
      must(`ip netns add ${name}`);
      must(`ip netns exec ${name} ip link set lo up`);
    }
    wire(`pc${id}`, ADDRESSES.client, 'client', ADDRESSES.gateway);
    wire(`po${id}`, ADDRESSES.operatorsEnd, 'operations', ADDRESSES.operations);
    wire(`pu${id}`, ADDRESSES.gatewayToUpstream, 'eth', ADDRESSES.upstream, gateway, upstream);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    gateway, upstream, remove,
    clientLink: (state) => must(`ip link set pc${id} ${state}`),
    upstreamLink: (state) => must(`ip netns exec ${upstream} ip link set eth ${state}`),
    onGateway: (command) => must(`ip netns exec ${gateway} ${command}`),
  };
}
