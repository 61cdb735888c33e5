import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@penstock/test-support';

/** A proxy that others built, in front of the same kind of upstream. */
export interface ReferenceProxy {
  readonly name: string;
  readonly port: number;
  close(): Promise<void>;
}

interface Recipe {
  readonly name: string;
  readonly binary: string;
  readonly config: (folder: string, port: number, upstreamPort: number) => string;
  readonly args: (file: string, folder: string) => readonly string[];
}

const APACHE_MODULES = '/usr/lib/apache2/modules';

const RECIPES: readonly Recipe[] = [
  {
    name: 'nginx', binary: '/usr/sbin/nginx',
    config: (folder, port, upstreamPort) => `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstreamPort}; proxy_http_version 1.1; } client_body_timeout 2s; client_header_timeout 2s; } }`,
    args: (file) => ['-c', file],
  },
  {
    name: 'haproxy', binary: '/usr/sbin/haproxy',
    config: (_folder, port, upstreamPort) => `defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${upstreamPort}
`,
    args: (file) => ['-f', file],
  },
  {
    name: 'apache2', binary: '/usr/sbin/apache2',
    config: (folder, port, upstreamPort) => `ServerRoot ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
Listen 127.0.0.1:${port}
ServerName localhost
LoadModule mpm_event_module ${APACHE_MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${APACHE_MODULES}/mod_authz_core.so
LoadModule proxy_module ${APACHE_MODULES}/mod_proxy.so
LoadModule proxy_http_module ${APACHE_MODULES}/mod_proxy_http.so
User #65534
Group #65534
Timeout 2
ProxyPass / http://127.0.0.1:${upstreamPort}/ nocanon
`,
    args: (file) => ['-X', '-f', file],
  },
];

/** Whether a reference proxy is installed, by name. */
export function installedProxies(): string[] {
  return RECIPES.filter(({ binary }) => {
    try {
      accessSync(binary);
      return true;
    } catch {
      return false;
    }
  }).map(({ name }) => name);
}

/** Starts an installed reference proxy in front of `upstreamPort`. */
export async function startReferenceProxy(name: string, upstreamPort: number): Promise<ReferenceProxy> {
  const recipe = RECIPES.find((one) => one.name === name);
  if (recipe === undefined) throw new Error(`no recipe for ${name}`);
  const folder = mkdtempSync(join(tmpdir(), `reference-${name}-`));
  mkdirSync(join(folder, 'body'));
  const port = await freePort();
  const file = join(folder, 'proxy.conf');
  writeFileSync(file, recipe.config(folder, port, upstreamPort));
  const child = spawn(recipe.binary, recipe.args(file, folder), { stdio: 'ignore' });
  await untilListening(port, child, name);
  return {
    name, port,
    close: async () => {
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, child: ChildProcess, name: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`${name} does not listen`);
}
