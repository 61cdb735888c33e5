import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { shippedMain } from '../contenders/gateway-program.ts';
import { freePort } from '../contenders/start-program.ts';
import { CORES, pinned } from '../process/spawn-pinned.ts';

const GIVEN_UP_MS = 30_000;

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/readyz' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false)).end();
  });
}

/** Milliseconds from the start of the gateway's process to the first 200 of `/readyz`, `times` times. */
export async function measureStart(folder: string, times: number): Promise<readonly number[]> {
  const own = join(folder, 'start-to-ready');
  mkdirSync(own, { recursive: true });
  const main = shippedMain();
  const taken: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const [port, operationsPort] = [await freePort(), await freePort()];
    const config = join(own, 'config.json');
    writeFileSync(config, JSON.stringify({ server: { port }, operations: { port: operationsPort }, anthropic_native: { api_key: 'sk-ant-api03-bench' }, log: { destination: join(own, 'access.log') } }));
    const output = openSync(join(own, 'output.log'), 'a');
    const [program, ...rest] = pinned(CORES.contender, [process.execPath, main, 'start', '--config', config]);
    const startedAt = performance.now();
    const child = spawn(program as string, rest, { cwd: own, stdio: ['ignore', output, output] });
    while (!await isReady(operationsPort)) {
      if (child.exitCode !== null || performance.now() - startedAt > GIVEN_UP_MS) throw new Error('the gateway did not become ready');
      await new Promise((resolve) => { setTimeout(resolve, 1); });
    }
    taken.push(performance.now() - startedAt);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  return taken;
}
