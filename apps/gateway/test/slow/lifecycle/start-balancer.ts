import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, scrubbedEnvironment } from '@penstock/test-support';

/** Whether this machine has HAProxy. */
export const HAS_HAPROXY: boolean = spawnSync('haproxy', ['-v']).status === 0;

/** A gateway behind the balancer. */
export interface BalancedGateway {
  readonly port: number;
  readonly operationsPort: number;
}

/** A HAProxy of a test's own. */
export interface Balancer {
  readonly port: number;
  readonly origin: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The documented way to balance gateways; it never retries, so that a client sees every refused or broken request. */
function configOf(port: number, gateways: readonly BalancedGateway[]): string {
  // A check that a loaded machine answers late is no failure; a 503 of /readyz is.
  const servers = gateways.map((gateway, index) => `  server gateway${index} 127.0.0.1:${gateway.port} check port ${gateway.operationsPort} inter 1s fall 1 rise 1`);
  return `global
  maxconn 200
defaults
  mode http
  timeout connect 30s
  timeout check 30s
  timeout client 600s
  timeout server 600s
  retries 0
frontend clients
  bind 127.0.0.1:${port}
  default_backend gateways
backend gateways
  balance roundrobin
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
${servers.join('\n')}
`;
}

/** Starts HAProxy in front of gateways, with health checks on `/readyz`. */
export async function startBalancer(gateways: readonly BalancedGateway[]): Promise<Balancer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-balancer-'));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, configOf(port, gateways));
  const child = spawn('haproxy', ['-V', '-db', '-f', file], { cwd: folder, env: scrubbedEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const ended = once(child, 'exit');
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { if ((output += chunk.toString()).includes('Using epoll')) resolve(); });
  });
  await Promise.race([ready, ended.then(() => { throw new Error(`haproxy ended before it was ready:\n${output}`); })]);
  return {
    port, origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
