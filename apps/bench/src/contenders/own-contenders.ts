import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender } from './contender.ts';
import { BUILT_MAIN } from './gateway-program.ts';
import { freePort, startProgram } from './start-program.ts';

const MESSAGES = { path: '/v1/messages', fields: [] } as const;

/** No contender: the load calls the upstream itself. What it measures is subtracted from every latency. */
export const direct: Contender = {
  name: 'direct',
  description: 'the load generator calls the upstream',
  isPeer: false,
  start: ({ upstreamPort, folder }) => Promise.resolve({ pid: undefined, folder, port: upstreamPort, native: MESSAGES, chat: undefined, stop: () => Promise.resolve() }),
};

/** The floor: node:http and undici with nothing around them. Two of them run; the second is the control of the first. */
export function floor(name: string): Contender {
  return {
    name,
    description: 'node:http and undici.dispatch in 40 lines, no protection, no log, no metrics',
    isPeer: false,
    speaksTls: true,
    async start(environment) {
      const port = await freePort();
      const program = fileURLToPath(new URL('floor-program.js', import.meta.url));
      const started = await startProgram([process.execPath, ...environment.nodeFlags, program, String(port), environment.upstreamOrigin], port, environment);
      return { ...started, port, native: MESSAGES, chat: undefined };
    },
  };
}

/** The limit of Node: a pipe between two sockets, which knows nothing of HTTP. */
export const tcpPipe: Contender = {
  name: 'TCP pipe',
  description: 'node:net in 10 lines, bytes between two sockets',
  isPeer: false,
  async start(environment) {
    const port = await freePort();
    const program = fileURLToPath(new URL('tcp-pipe-program.js', import.meta.url));
    const started = await startProgram([process.execPath, ...environment.nodeFlags, program, String(port), String(environment.upstreamPort)], port, environment);
    return { ...started, port, native: MESSAGES, chat: undefined };
  },
};

/** How a gateway differs from the usual one. */
export interface PenstockOptions {
  readonly onlyIn?: string;
  /** Names its main program. @defaultValue that of this build, as the compiler wrote it: what replaces parts of it finds its files */
  readonly main?: () => string;
  /** Further sections of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Penstock, started by its own command, every default protection on; all its workers on the contender's core. */
export function penstock(name: string, workers: number, { onlyIn, main = () => BUILT_MAIN, config: further = {} }: PenstockOptions = {}): Contender {
  return {
    name,
    ...(onlyIn === undefined ? {} : { onlyIn }),
    description: `the gateway, every default protection on, access log to a file, ${workers} ${workers === 1 ? 'process' : 'worker processes'}`,
    isPeer: false,
    speaksTls: true,
    async start(environment) {
      const { folder, upstreamOrigin, nodeFlags } = environment;
      const port = await freePort();
      const operationsPort = await freePort();
      const config = join(folder, 'config.json');
      writeFileSync(config, JSON.stringify({
        server: { port, workers, max_connections: 12_000 },
        operations: { port: operationsPort },
        anthropic_native: { base_url: upstreamOrigin, api_key: 'sk-ant-api03-bench-upstream', pool: { max_connections: 12_000, max_keepalive_connections: 1_000, max_waiting: 1_000 } },
        openai_front_door: { pool: { max_connections: 2_000, max_keepalive_connections: 500, max_waiting: 1_000 } },
        log: { destination: join(folder, 'access.log') },
        ...further,
      }));
      const started = await startProgram([process.execPath, ...nodeFlags, main(), 'start', '--config', config], port, environment);
      return {
        ...started, port,
        native: { path: '/anthropic/v1/messages', fields: [] },
        chat: { path: '/v1/chat/completions', fields: ['authorization', 'Bearer bench'] },
      };
    },
  };
}
