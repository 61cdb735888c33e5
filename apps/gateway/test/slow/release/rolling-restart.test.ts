import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { scrubbedEnvironment } from '@penstock/test-support';
import { afterAll, expect, test } from 'vitest';
import { createScratchFolder } from './scratch-folder.ts';
import { ROOT } from './workspace.ts';

const HAS_HAPROXY = spawnSync('haproxy', ['-v']).status === 0;
const REPLICAS = 3;
const CLIENTS = 6;
const PRE_STOP_DELAY_SECONDS = 2;
const scratch = createScratchFolder();
afterAll(() => scratch.remove());

interface Ports {
  readonly port: number;
  readonly operationsPort: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts one replica and resolves when it is ready. */
async function startReplica(index: number, { port, operationsPort }: Ports): Promise<ChildProcess> {
  const file = join(scratch.path, `replica-${index}.json`);
  writeFileSync(file, JSON.stringify({ server: { port, pre_stop_delay: PRE_STOP_DELAY_SECONDS, drain_timeout: 60 }, operations: { port: operationsPort } }));
  const child = spawn(process.execPath, ['--conditions=@penstock/source', join(ROOT, 'apps/gateway/src/main.ts'), 'start', '--simulate', '--config', file], {
    env: scrubbedEnvironment(), stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('Try it:')) break;
  }
  child.stderr.resume();
  return child;
}

function balancerConfig(port: number, replicas: readonly Ports[]): string {
  const servers = replicas.map((replica, index) => `  server r${index} 127.0.0.1:${replica.port} check port ${replica.operationsPort} inter 200ms fall 1 rise 1`);
  return `global
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  retries 3
  option redispatch
frontend gateway
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance leastconn
  option httpchk
  # Without this the check is HTTP/1.0 without Host, which the operations listener refuses.
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
${servers.join('\n')}
`;
}

test.skipIf(!HAS_HAPROXY)(`a rolling restart of ${REPLICAS} replicas behind a balancer breaks no stream and refuses no request${HAS_HAPROXY ? '' : ' (skipped: haproxy is not installed)'}`, async () => {
  const replicas: Ports[] = [];
  for (let index = 0; index < REPLICAS; index += 1) replicas.push({ port: await freePort(), operationsPort: await freePort() });
  const port = await freePort();
  const processes: ChildProcess[] = [];
  for (const [index, replica] of replicas.entries()) processes.push(await startReplica(index, replica));
  const file = join(scratch.path, 'haproxy.cfg');
  writeFileSync(file, balancerConfig(port, replicas));
  const balancer = spawn('haproxy', ['-f', file, '-db'], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/anthropic/v1/messages`;
  try {
    await expect.poll(() => fetch(url.replace('/v1/messages', '/health')).then(({ status }) => status, () => 0), { timeout: 30_000 }).toBe(200);
    // A client that failed leaves: what went wrong first is what is to be seen.
    const stop = new AbortController();
    let complete = 0;
    const failures: string[] = [];
    const loop = async (): Promise<void> => {
      while (!stop.signal.aborted && failures.length === 0) {
        try {
          const response = await fetch(url, {
            method: 'POST', headers: { 'content-type': 'application/json', 'anthropic-simulator': 'pace=60' },
            body: JSON.stringify({ model: 'sim-text', max_tokens: 60, stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
          });
          const text = await response.text();
          if (response.status === 200 && text.includes('event: message_stop')) complete += 1;
          else failures.push(`${response.status} ${text.slice(-200)}`);
        } catch (error) {
          failures.push(String((error as Error).cause ?? error));
        }
      }
    };
    const load = Array.from({ length: CLIENTS }, loop);
    await expect.poll(() => complete > CLIENTS || failures, { timeout: 60_000 }).toBe(true);
    for (const [index, replica] of replicas.entries()) {
      const leaving = processes[index];
      const closed = once(leaving as ChildProcess, 'close');
      leaving?.kill('SIGTERM');
      expect(await closed).toEqual([0, null]);
      processes[index] = await startReplica(index, replica);
      const before = complete;
      await expect.poll(() => complete > before + CLIENTS || failures, { timeout: 60_000 }).toBe(true);
    }
    stop.abort();
    await Promise.all(load);
    console.log(`${complete} streams during a rolling restart of ${REPLICAS} replicas, ${failures.length} failed`);
    expect(failures).toEqual([]);
  } finally {
    for (const child of [balancer, ...processes]) child.kill('SIGKILL');
    await delay(0);
  }
});
