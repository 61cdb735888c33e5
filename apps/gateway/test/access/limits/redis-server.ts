import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { freePort } from '@penstock/test-support';

/** Whether this machine has a redis-server; its tests say so when they are skipped for lack of one. */
export const HAS_REDIS: boolean = spawnSync('redis-server', ['--version']).status === 0;

/** What a skipped suite is called. */
export const REDIS_SUITE: string = HAS_REDIS ? 'a shared Redis' : 'a shared Redis (SKIPPED: there is no redis-server on this machine)';

/** A real redis-server of a test's own. */
export interface RedisServer {
  readonly url: string;
  /** Kills it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it anew on the same port, empty. */
  restart(): Promise<void>;
  /** Stops and continues its process: it hangs without closing a connection. */
  freeze(): void;
  thaw(): void;
}

/** Starts a redis-server that keeps nothing on disk. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  let server: ChildProcess;
  async function start(): Promise<void> {
    server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const chunk of server.stdout ?? []) if (String(chunk).includes('Ready to accept connections')) break;
    server.stdout?.resume();
  }
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
    restart: start,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
  };
}
