import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contender.ts';
import { freePort, startProgram } from './start-program.ts';

const MESSAGES = { path: '/v1/messages', fields: [] } as const;

/** Where the program is; throws where it is not installed. */
function programPath(name: string): string {
  const path = ['/usr/sbin', '/usr/bin', '/usr/local/sbin'].map((folder) => join(folder, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** nginx with buffering off: what a native proxy costs on this machine. */
export const nginx: Contender = {
  name: 'nginx',
  description: 'one worker, proxy_buffering off, kept upstream connections, access log to a file',
  isPeer: false,
  prepare() {
    programPath('nginx');
    return Promise.resolve();
  },
  async start(environment) {
    const port = await freePort();
    const { folder, upstreamPort } = environment;
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port, upstreamPort));
    const started = await startProgram([programPath('nginx'), '-p', folder, '-c', join(folder, 'nginx.conf')], port, environment);
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

/** HAProxy as a reverse proxy: one thread, kept upstream connections. */
export const haproxy: Contender = {
  name: 'HAProxy',
  description: 'one thread, kept upstream connections, no log',
  isPeer: false,
  prepare() {
    programPath('haproxy');
    return Promise.resolve();
  },
  async start(environment) {
    const port = await freePort();
    const config = join(environment.folder, 'haproxy.cfg');
    writeFileSync(config, `
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend clients
  bind 127.0.0.1:${port}
  default_backend api
backend api
  server api 127.0.0.1:${environment.upstreamPort} pool-max-conn 1000
`);
    const started = await startProgram([programPath('haproxy'), '-f', config, '-db'], port, environment);
    return { ...started, port, native: MESSAGES, chat: undefined };
  },
};
