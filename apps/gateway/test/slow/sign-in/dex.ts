import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { scrubbedEnvironment } from '@penstock/test-support';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';

const DEX = 'github.com/dexidp/dex';
/** The newest one that the registry of Go modules has as a program: later ones have no path of their own major version. */
const DEX_VERSION = 'v2.13.0';
const BUILD_TIMEOUT_MS = 600_000;
const START_ATTEMPTS = 600;

/** Its libraries of that time; the one for CockroachDB, which no version of today fits, is left out. */
const GO_MOD = `module dexbuild

go 1.12

require (
	github.com/cockroachdb/cockroach-go v0.0.0-20181001143604-e0a95dfd547c
	${DEX} ${DEX_VERSION}+incompatible
	google.golang.org/grpc v1.26.0
)

replace google.golang.org/grpc => google.golang.org/grpc v1.26.0

replace github.com/prometheus/client_golang => github.com/prometheus/client_golang v0.8.0

replace github.com/cockroachdb/cockroach-go => ./crdb
`;
const NO_COCKROACH = `package crdb

import (
	"database/sql"
	"errors"
)

func ExecuteTx(*sql.DB, func(*sql.Tx) error) error { return errors.New("left out") }
`;

/** Builds Dex with the machine's Go, once. */
export function findDex(): CachedClient {
  return cachedClient(`dex-${DEX_VERSION}`, (folder) => {
    const source = join(folder, 'source');
    mkdirSync(join(source, 'crdb/crdb'), { recursive: true });
    writeFileSync(join(source, 'go.mod'), GO_MOD);
    writeFileSync(join(source, 'crdb/go.mod'), 'module github.com/cockroachdb/cockroach-go\n');
    writeFileSync(join(source, 'crdb/crdb/crdb.go'), NO_COCKROACH);
    const go = (...args: readonly string[]): string | undefined => {
      const { status, stdout, error } = spawnSync('go', args, { cwd: source, encoding: 'utf8', timeout: BUILD_TIMEOUT_MS, env: { ...process.env, GOFLAGS: '-mod=mod' } });
      return error === undefined && status === 0 ? stdout : undefined;
    };
    if (go('build', '-o', join(folder, 'dex'), `${DEX}/cmd/dex`) === undefined) return `Dex ${DEX_VERSION} could not be built with go`;
    const module = go('list', '-m', '-f', '{{.Dir}}', DEX)?.trim() ?? '';
    cpSync(join(module, 'web'), join(folder, 'web'), { recursive: true });
    rmSync(source, { recursive: true });
    return undefined;
  });
}

/** A client as Dex knows it. */
export interface DexClient {
  readonly id: string;
  readonly secret: string;
  readonly redirectUri: string;
}

/** Starts Dex with its store in memory and one connector, at which every browser is the same person with a group. Ends with the stack. */
export async function startDex(stack: AsyncDisposableStack, folder: string, port: number, clients: readonly DexClient[]): Promise<{ stop(): Promise<void> }> {
  const own = mkdtempSync(join(tmpdir(), 'penstock-dex-'));
  stack.defer(() => { rmSync(own, { recursive: true, force: true }); });
  writeFileSync(join(own, 'config.yaml'), JSON.stringify({
    issuer: `http://127.0.0.1:${port}/dex`, storage: { type: 'memory' }, web: { http: `127.0.0.1:${port}` }, frontend: { dir: join(folder, 'web') },
    oauth2: { skipApprovalScreen: true }, connectors: [{ type: 'mockCallback', id: 'mock', name: 'Mock' }],
    staticClients: clients.map(({ id, secret, redirectUri }) => ({ id, secret, name: id, redirectURIs: [redirectUri] })),
  }));
  const child = spawn(join(folder, 'dex'), ['serve', join(own, 'config.yaml')], { cwd: own, env: scrubbedEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  stack.defer(stop);
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`http://127.0.0.1:${port}/dex/healthz`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return { stop };
    await wait(100);
  }
  throw new Error(`Dex does not answer:\n${printed}`);
}
