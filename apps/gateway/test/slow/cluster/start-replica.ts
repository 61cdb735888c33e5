import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { startNodeOnHost } from '../hosts/start-on-host.ts';

/** One gateway of the cluster, which can be restarted. */
export interface Replica {
  readonly origin: string;
  /** A value of its metrics; 0 where there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Whether it takes connections. */
  isListening(): Promise<boolean>;
  /** Sends SIGTERM; resolves with the exit code when the process is gone. */
  stop(): Promise<number | null>;
  /** Starts it again, and resolves when it serves. */
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Where a replica lives and how it is configured. */
export interface ReplicaPlace {
  readonly space: string;
  readonly address: string;
  readonly port: number;
  readonly operationsPort: number;
  readonly file: string;
}

const MAIN = resolve(import.meta.dirname, '../../../src/main.ts');

/** Starts a replica on its host. */
export async function startReplica({ space, address, port, operationsPort, file }: ReplicaPlace): Promise<Replica> {
  const start = async (): Promise<ChildProcess> => await startNodeOnHost(space, [MAIN, 'start', '--config', file], 'Try it:');
  let child = await start();
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    origin: `http://${address}:${port}`,
    async metric(name, labels = {}) {
      return sumOf(await (await fetch(`http://${address}:${operationsPort}/metrics`)).text(), name, labels) ?? 0;
    },
    async isListening() {
      const socket = connect({ host: address, port });
      try {
        await once(socket, 'connect');
        return true;
      } catch {
        return false;
      } finally {
        socket.destroy();
      }
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await exited as [number | null];
      return code;
    },
    async start() {
      child = await start();
    },
    async kill() {
      if (hasEnded()) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
