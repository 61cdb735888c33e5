import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender } from './contender.ts';
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
    async start(environment) {
      const port = await freePort();
      const program = fileURLToPath(new URL('floor-program.js', import.meta.url));
      const started = await startProgram([process.execPath, ...environment.nodeFlags, program, String(port), environment.upstreamOrigin], port, environment);
      return { ...started, port, native: MESSAGES, chat: undefined };
    },
  };
}

/** The main program of this build. */
const MAIN = fileURLToPath(new URL('../../../gateway/dist/main.js', import.meta.url));

/** `main` is that of another build. */
export interface PenstockOptions { readonly onlyIn?: string; readonly main?: string }

/** Penstock as it is built, started by its own command, every default protection on; all its workers on the contender's core. */
export function penstock(name: string, workers: number, { onlyIn, main = MAIN }: PenstockOptions = {}): Contender {
  return {
    name,
    ...(onlyIn === undefined ? {} : { onlyIn }),
    description: `the built gateway, every default protection on, access log to a file, ${workers} ${workers === 1 ? 'process' : 'worker processes'}`,
    isPeer: false,
    async start({ folder, core, upstreamOrigin, nodeFlags }) {
      const port = await freePort();
      const operationsPort = await freePort();
      const config = join(folder, 'config.json');
      writeFileSync(config, JSON.stringify({
        server: { port, workers, max_connections: 12_000 },
        operations: { port: operationsPort },
        anthropic_native: { base_url: upstreamOrigin, api_key: 'sk-ant-api03-bench-upstream', pool: { max_connections: 12_000, max_keepalive_connections: 1_000, max_waiting: 1_000 } },
        openai_front_door: { pool: { max_connections: 2_000, max_keepalive_connections: 500, max_waiting: 1_000 } },
        log: { destination: join(folder, 'access.log') },
      }));
      const started = await startProgram([process.execPath, ...nodeFlags, main, 'start', '--config', config], port, { folder, core });
      return {
        ...started, port,
        native: { path: '/anthropic/v1/messages', fields: [] },
        chat: { path: '/v1/chat/completions', fields: ['authorization', 'Bearer bench'] },
      };
    },
  };
}

/** nginx with buffering off: what a native proxy costs on this machine. */
export const nginx: Contender = {
  name: 'nginx',
  description: 'one worker, proxy_buffering off, kept upstream connections, access log to a file',
  isPeer: false,
  prepare() {
    if (!['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].some((path) => existsSync(path))) throw new Error('nginx is not installed');
    return Promise.resolve();
  },
  async start(environment) {
    const port = await freePort();
    const { folder, upstreamPort } = environment;
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port, upstreamPort));
    const nginxPath = execFileSync('sh', ['-c', 'command -v nginx || echo /usr/sbin/nginx'], { encoding: 'utf8' }).trim();
    const started = await startProgram([nginxPath, '-p', folder, '-c', join(folder, 'nginx.conf')], port, environment);
    return { ...started, port, native: MESSAGES, chat: undefined };
  },
};

function nginxConfig(folder: string, port: number, upstreamPort: number): string {
  return `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_rlimit_nofile 20000;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 20000; multi_accept on; }
http {
  access_log ${folder}/access.log; client_max_body_size 64m; keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream api { server 127.0.0.1:${upstreamPort}; keepalive 1000; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=8192;
    location / {
      proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 600s;
      proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`;
}
