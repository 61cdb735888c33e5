import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { BOB } from '../../faults/fault-requests.ts';
import { ADDRESSES, makeHosts, type Hosts } from './namespaces.ts';
import { startNodeOnHost } from './start-on-host.ts';

/** A gateway and its upstream, each on a host of its own. */
export interface HostedGateway {
  readonly hosts: Hosts;
  readonly port: number;
  /** A value of /metrics, by the wire that is never cut. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Descriptors that the gateway's process has open. */
  descriptors(): number;
  /** Established TCP connections of the gateway's host, seen by its kernel. */
  established(): number;
  close(): Promise<void>;
}

const MAIN = resolve(import.meta.dirname, '../../../src/main.ts');
const [PORT, OPERATIONS_PORT, UPSTREAM_PORT] = [8_000, 9_464, 9_000];
/** Seconds; short enough to wait for, long enough for a busy machine. */
export const HOST_CLOCKS = { connect: 1, quick_headers: 1.5, stream_headers: 1.5, message_headers: 1.5, idle: 1.5, client_stall: 1.5, write_stall: 1.5, slot_wait: 1.5 } as const;

/** Makes hosts, and starts a gateway and an upstream on them. */
export async function startHosts(): Promise<HostedGateway> {
  const hosts = makeHosts();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-hosts-'));
  const file = join(folder, 'gateway.json');
  writeFileSync(file, JSON.stringify({
    server: { host: '0.0.0.0', port: PORT, allowed_hosts: [ADDRESSES.gateway, ADDRESSES.operations, '127.0.0.1'] }, operations: { host: ADDRESSES.operations, port: OPERATIONS_PORT },
    openai_front_door: { enabled: false }, log: { level: 'error' },
    clients: [{ name: 'bob', key_sha256: createHash('sha256').update(BOB).digest('hex') }],
    anthropic_native: { base_url: `http://${ADDRESSES.upstream}:${UPSTREAM_PORT}`, allow_insecure_base_url: true, timeouts: HOST_CLOCKS },
  }));
  const upstream = await startNodeOnHost(hosts.upstream, [join(import.meta.dirname, 'host-upstream.ts'), ADDRESSES.upstream, String(UPSTREAM_PORT)], 'listening');
  const gateway = await startNodeOnHost(hosts.gateway, [MAIN, 'start', '--config', file], 'Try it:');
  return {
    hosts, port: PORT,
    async metric(name, labels = {}) {
      return sumOf(await (await fetch(`http://${ADDRESSES.operations}:${OPERATIONS_PORT}/metrics`)).text(), name, labels) ?? 0;
    },
    descriptors: () => readdirSync(`/proc/${gateway.pid}/fd`).length,
    established: () => readFileSync(`/proc/${gateway.pid}/net/tcp`, 'utf8').split('\n').filter((line) => / 01 /.test(line) && !line.includes(`:${OPERATIONS_PORT.toString(16).toUpperCase()} `)).length,
    async close() {
      for (const child of [gateway, upstream]) {
        if (child.exitCode === null) {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }
      }
      hosts.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
