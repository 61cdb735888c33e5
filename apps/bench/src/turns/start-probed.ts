import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { turnProbeOption } from '@penstock/test-support';
import { freePort, startProgram } from '../contenders/start-program.ts';

/** A program whose turns are counted from inside. */
export interface ProbedProgram {
  readonly pid: number;
  readonly port: number;
  readonly operationsPort: number;
  /** The control socket of its probe. */
  readonly probe: string;
  stop(): Promise<void>;
}

interface Place { readonly folder: string; readonly upstreamOrigin: string; readonly connections?: number }

/** All cores: large bodies are decoded and translated on other threads, which would otherwise interrupt the event loop. */
const CORES = `0-${availableParallelism() - 1}`;

/** The built gateway: one upstream behind both APIs, translated for `claude-*` and relayed for the rest; with `connections`, for so many streams that stay open. */
export async function startProbedGateway({ folder, upstreamOrigin, connections }: Place): Promise<ProbedProgram> {
  const own = join(folder, 'turns-penstock');
  mkdirSync(own, { recursive: true });
  const [port, operationsPort, probe] = [await freePort(), await freePort(), join(own, 'probe.sock')];
  const config = join(own, 'config.json');
  writeFileSync(config, JSON.stringify({
    server: { port, ...(connections === undefined ? {} : { max_connections: connections }) }, operations: { port: operationsPort }, log: { destination: join(own, 'access.log') },
    anthropic_native: { base_url: upstreamOrigin, api_key: 'sk-ant-api03-bench-upstream', ...(connections === undefined ? {} : { pool: { max_connections: connections }, timeouts: { idle: 3_600, stream_headers: 600 } }) },
    openai_front_door: {
      backends: [
        { name: 'anthropic', kind: 'anthropic', base_url: upstreamOrigin, api_key: 'bench' },
        { name: 'other', kind: 'openai', base_url: `${upstreamOrigin}/v1`, api_key: 'bench' },
      ],
      models: [{ model: 'claude-*', backend: 'anthropic' }, { model: '*', backend: 'other' }],
    },
  }));
  const main = fileURLToPath(new URL('../../../gateway/dist/main.js', import.meta.url));
  const started = await startProgram([process.execPath, turnProbeOption(probe), main, 'start', '--config', config], port, { folder: own, core: CORES });
  return { pid: started.pid, port, operationsPort, probe, stop: () => started.stop() };
}

/** The floor, as the control: what node:http and undici need for the same inputs. */
export async function startProbedFloor({ folder, upstreamOrigin }: Place): Promise<ProbedProgram> {
  const own = join(folder, 'turns-floor');
  mkdirSync(own, { recursive: true });
  const [port, probe] = [await freePort(), join(own, 'probe.sock')];
  const program = fileURLToPath(new URL('../contenders/floor-program.js', import.meta.url));
  const started = await startProgram([process.execPath, turnProbeOption(probe), program, String(port), upstreamOrigin], port, { folder: own, core: CORES });
  return { pid: started.pid, port, operationsPort: port, probe, stop: () => started.stop() };
}
