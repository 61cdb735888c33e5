import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { scrubbedEnvironment } from '@penstock/test-support';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';

const KEYCLOAK_VERSION = '26.5.6';
/** `install` fetches and builds it: 160 MB, a minute. */
const SWITCH = 'PENSTOCK_KEYCLOAK';
const INSTALL_TIMEOUT_MS = 600_000;
const START_ATTEMPTS = 1_200;
const ADMINISTRATOR = 'admin';

/** Keycloak, where it was installed before. It takes half a minute to start, so that the bounded run leaves it out. */
export function findKeycloak(): CachedClient {
  if (process.env['PENSTOCK_SLOW_BOUNDED'] === '1') return { missing: 'it is no part of the bounded run' };
  return cachedClient(`keycloak-${KEYCLOAK_VERSION}`, (folder) => {
    if (process.env[SWITCH] !== 'install') return `Keycloak ${KEYCLOAK_VERSION} is not in the cache; ${SWITCH}=install puts it there, with Maven and Java`;
    const run = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args, { cwd: folder, timeout: INSTALL_TIMEOUT_MS, stdio: 'ignore' }).status === 0;
    const unpacked = run('mvn', '-B', '-q', 'dependency:get', `-Dartifact=org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`, '-Dtransitive=false')
      && run('mvn', '-B', '-q', 'dependency:unpack', `-Dartifact=org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`, `-DoutputDirectory=${folder}`);
    if (!unpacked) return `Keycloak ${KEYCLOAK_VERSION} could not be had with Maven`;
    renameSync(join(folder, `keycloak-${KEYCLOAK_VERSION}`), join(folder, 'keycloak'));
    return run('bash', join(folder, 'keycloak/bin/kc.sh'), 'build', '--db=dev-mem') ? undefined : `Keycloak ${KEYCLOAK_VERSION} could not be built with Java`;
  });
}

/** A running Keycloak. */
export interface Keycloak {
  readonly origin: string;
  /** Calls its administration, with a token of its first administrator. */
  administer(method: string, path: string, body?: unknown): Promise<Response>;
}

/** Starts Keycloak with its database in memory and these realms. Ends with the stack. */
export async function startKeycloak(stack: AsyncDisposableStack, folder: string, port: number, realms: readonly Readonly<Record<string, unknown>>[]): Promise<Keycloak> {
  const own = mkdtempSync(join(tmpdir(), 'penstock-keycloak-'));
  stack.defer(() => { rmSync(own, { recursive: true, force: true }); });
  // It writes into its own folder, and imports from there.
  cpSync(join(folder, 'keycloak'), own, { recursive: true });
  mkdirSync(join(own, 'data/import'), { recursive: true });
  for (const [index, realm] of realms.entries()) writeFileSync(join(own, `data/import/${index}.json`), JSON.stringify(realm));
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn('bash', [join(own, 'bin/kc.sh'), 'start', '--optimized', '--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, `--hostname=${origin}`, '--import-realm'], {
    cwd: own, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...scrubbedEnvironment(), KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR, KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR, KC_HTTP_MANAGEMENT_PORT: '0' },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
  stack.defer(async () => {
    if (child.exitCode !== null || child.pid === undefined) return;
    const exited = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await exited;
  });
  const administer: Keycloak['administer'] = async (method, path, body) => {
    const form = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: ADMINISTRATOR, password: ADMINISTRATOR });
    const { access_token: token } = await (await fetch(`${origin}/realms/master/protocol/openid-connect/token`, { method: 'POST', body: form })).json() as { readonly access_token: string };
    const answer = await fetch(`${origin}/admin/realms${path}`, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`Keycloak refused ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  for (let attempt = 0; attempt < START_ATTEMPTS && child.exitCode === null; attempt += 1) {
    const answer = await fetch(`${origin}/realms/${String(realms[0]?.['realm'])}`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return { origin, administer };
    await wait(100);
  }
  throw new Error(`Keycloak does not answer:\n${printed}`);
}
