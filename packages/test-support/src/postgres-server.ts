import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

/** A PostgreSQL of the test's own, in a folder that goes with it. */
export interface PostgresServer {
  readonly url: string;
  start(): Promise<void>;
  /** Ends all connections at once, as a failed machine does. */
  stop(): Promise<void>;
  /** Stops and resumes every process: a server that does not answer. */
  freeze(): void;
  thaw(): void;
  /** Runs one statement with `psql`; its rows as lines. */
  ask(sql: string): Promise<readonly string[]>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);

/** Where distributions put the programs. */
const FOLDERS = ['/usr/lib/postgresql', '/usr/pgsql'];

function findPrograms(): string | undefined {
  for (const folder of FOLDERS.filter((path) => existsSync(path))) {
    const [version] = readdirSync(folder).toSorted().toReversed();
    const bin = join(folder, version ?? '', 'bin');
    if (existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres'))) return bin;
  }
  return undefined;
}

/** PostgreSQL refuses to run as root. */
function findAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

const BIN = findPrograms();

/** Why there is no server; `undefined` where there is one. */
export const WHY_NO_POSTGRES: string | undefined = BIN === undefined ? 'there are no programs of PostgreSQL' : undefined;

/** Makes a cluster and starts it on a free loopback port. */
export async function startPostgres(stack: AsyncDisposableStack): Promise<PostgresServer> {
  const account = findAccount();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-postgres-'));
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  const options = { ...account, cwd: folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
  execFileSync(join(BIN ?? '', 'initdb'), ['-D', data, '-U', 'penstock', '--auth=trust', '--no-sync', '-E', 'UTF8'], { ...options, stdio: 'ignore' });
  const port = await freePort();
  let server: ChildProcess | undefined;
  const processes = (): readonly number[] => execFileSync('ps', ['-o', 'pid=', '--ppid', String(server?.pid)], { encoding: 'utf8' }).trim().split(/\s+/).map(Number).concat(server?.pid ?? []);
  const signalAll = (signal: NodeJS.Signals): void => { for (const pid of processes()) process.kill(pid, signal); };
  const self: PostgresServer = {
    url: `postgres://penstock@127.0.0.1:${port}/postgres`,
    async start() {
      server = spawn(join(BIN ?? '', 'postgres'), ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'], { ...options, stdio: 'ignore' });
      for (;;) {
        const probe = spawnSync(join(BIN ?? '', 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)], { env: options.env });
        if (probe.status === 0) return;
        await wait(50);
      }
    },
    async stop() {
      if (server === undefined || server.exitCode !== null) return;
      const ended = once(server, 'close');
      server.kill('SIGQUIT');
      await ended;
    },
    freeze: () => { signalAll('SIGSTOP'); },
    thaw: () => { signalAll('SIGCONT'); },
    async ask(sql) {
      const { stdout } = await run(join(BIN ?? '', 'psql'), [self.url, '-XAtqc', sql], { env: options.env });
      return stdout.split('\n').filter((line) => line !== '');
    },
  };
  stack.defer(async () => {
    await self.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await self.start();
  return self;
}
