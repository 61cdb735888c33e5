import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Below the range from which Linux takes the ports of outbound connections (ip_local_port_range, 32768 and above): none of them can take one meanwhile. */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 100;
/** One file for each port that was given out, with the process that asked for it. A user cannot write into the folder of another one. */
const CLAIMS = join(tmpdir(), `penstock-ports-${userInfo().uid}`);

/** The ports of this process. Of all copies of this module in it: test files that share a process may each load their own. */
const claimed = ((globalThis as { penstockPorts?: Set<number> }).penstockPorts ??= new Set<number>());

/**
 * A loopback port for a process that must be told its port. It was free a moment ago, and no other call gets it while this process runs: several
 * processes draw ports at the same time, and what they start listens a second later. Throws after 100 ports that were in use.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (claim(port) && await canListen(port)) return port;
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT} in ${ATTEMPTS} attempts`);
}

const fileOf = (port: number): string => join(CLAIMS, String(port));

/** Makes a port this process's own, unless it is that of another one that runs. */
function claim(port: number): boolean {
  if (claimed.size === 0) {
    mkdirSync(CLAIMS, { recursive: true });
    process.once('exit', () => { for (const own of claimed) rmSync(fileOf(own), { force: true }); });
  }
  if (!makeClaim(port)) {
    if (isRunning(readOwner(port))) return false;
    rmSync(fileOf(port), { force: true });
    if (!makeClaim(port)) return false;
  }
  claimed.add(port);
  return true;
}

function makeClaim(port: number): boolean {
  try {
    writeFileSync(fileOf(port), String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The process that a port was given to; 0 while it has not been written down yet, or not any more. */
function readOwner(port: number): number {
  try {
    return Number(readFileSync(fileOf(port), 'utf8'));
  } catch {
    return 0;
  }
}

function isRunning(owner: number): boolean {
  if (owner === 0) return true;
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
