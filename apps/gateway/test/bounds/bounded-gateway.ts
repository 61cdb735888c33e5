import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beginTurnReport, createBoundedRig, scrubbedEnvironment, turnProbeOption, type BoundedCell, type BoundedOutcome, type TurnReport } from '@penstock/test-support';

/** A gateway in a process of its own, started by its own command, whose turns are counted from inside. */
export interface BoundedGateway {
  /** Sends the input of a cell, and reports what the gateway's process did meanwhile. */
  run(cell: BoundedCell, bytes: number): Promise<TurnReport & BoundedOutcome>;
  [Symbol.asyncDispose](): Promise<void>;
}

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

/** Starts the gateway with default bounds, in front of one upstream for both APIs: translated for `claude-*`, relayed for the rest. */
export async function startBoundedGateway(): Promise<BoundedGateway> {
  const rig = await createBoundedRig();
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bounds-'));
  const configFile = join(folder, 'gateway.json');
  const control = join(folder, 'probe.sock');
  await writeFile(configFile, JSON.stringify({
    server: { port: 0 }, operations: { port: 0 }, log: { destination: join(folder, 'log.jsonl') },
    anthropic_native: { base_url: rig.upstreamOrigin, api_key: 'k' },
    openai_front_door: {
      backends: [
        { name: 'anthropic', kind: 'anthropic', base_url: rig.upstreamOrigin, api_key: 'k' },
        { name: 'other', kind: 'openai', base_url: `${rig.upstreamOrigin}/v1`, api_key: 'k' },
      ],
      models: [{ model: 'claude-*', backend: 'anthropic' }, { model: '*', backend: 'other' }],
    },
  }));
  const child = spawn(process.execPath, ['--conditions=@penstock/source', turnProbeOption(control), MAIN, 'start', '--config', configFile], {
    stdio: ['ignore', 'ignore', 'pipe'], env: scrubbedEnvironment(), cwd: folder,
  });
  const exited = once(child, 'exit');
  let printed = '';
  const ports = await new Promise<{ readonly port: number; readonly operationsPort: number }>((ready, reject) => {
    child.once('exit', () => reject(new Error(`the gateway did not start: ${printed}`)));
    child.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const port = /Anthropic API +http:\/\/[\d.]+:(\d+)\//.exec(printed)?.[1];
      const operationsPort = /metrics +http:\/\/[\d.]+:(\d+)\//.exec(printed)?.[1];
      if (port !== undefined && operationsPort !== undefined) ready({ port: Number(port), operationsPort: Number(operationsPort) });
    });
  });
  return {
    async run(cell, bytes) {
      const end = await beginTurnReport(control);
      const outcome = await rig.run(cell, bytes, ports);
      return { ...await end(), ...outcome };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      await rig[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
