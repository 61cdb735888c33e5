import { createServer } from 'node:net';
import type { GatewayConfig } from '../config/gateway-config.ts';

/** Ports that are tried for a suggestion, upwards from the one that is taken. */
const MOST_TRIED = 20;

interface Listener {
  readonly host: string;
  readonly port: number;
  readonly section: 'server' | 'operations';
  readonly flag: string;
  readonly variable: string;
}

/**
 * Describes an error of `listen`, with the remedy. Where a port is taken the other listener's is tried as well, so that one start shows both
 * problems, and the last line has flags with ports that are free.
 */
export async function describeListenError(error: unknown, config: GatewayConfig): Promise<string> {
  const failed = failedListener(error, config);
  const { code } = error as NodeJS.ErrnoException;
  const first = describe(error, failed);
  if (code !== 'EADDRINUSE') return first;
  const other = listenersOf(config).find(({ section }) => section !== failed.section);
  const second = other === undefined || other.port === 0 ? undefined : await tryListening(other.host, other.port);
  const isOtherTaken = (second as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
  const taken = other !== undefined && isOtherTaken ? [failed, other] : [failed];
  const flags: string[] = [];
  const chosen = listenersOf(config).map(({ port }) => port);
  for (const { host, port, flag } of taken) {
    const free = await freePortAfter(host, port, chosen);
    if (free === undefined) continue;
    chosen.push(free);
    flags.push(`${flag} ${free}`);
  }
  return [first, ...(other !== undefined && isOtherTaken ? [describe(second, other)] : []), ...(flags.length > 0 ? [`Free at this moment: ${flags.join(' ')}`] : [])].join('\n');
}

function listenersOf({ server, operations }: GatewayConfig): readonly Listener[] {
  return [
    { ...server, section: 'server', flag: '--port', variable: 'PENSTOCK_PORT' },
    { ...operations, section: 'operations', flag: '--operations-port', variable: 'PENSTOCK_OPERATIONS_PORT' },
  ];
}

function failedListener(error: unknown, config: GatewayConfig): Listener {
  const { address, port, hostname } = error as { address?: string; port?: number; hostname?: string };
  const { server, operations } = config;
  const isOperations = hostname === undefined ? port === operations.port && (port !== server.port || address === operations.host) : hostname !== server.host;
  const [main, other] = listenersOf(config);
  return (isOperations ? other : main) as Listener;
}

function describe(error: unknown, { host, port: configured, section, flag, variable }: Listener): string {
  const { code, address, port, hostname } = error as NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };
  const where = `${address ?? host}:${port ?? configured}`;
  const setting = `${section}.port (${flag}, ${variable})`;
  if (code === 'EADDRINUSE') return `${where} is in use by another process: choose another ${setting}.`;
  if (code === 'EACCES') return `${where} may not be opened by this user: choose a port above 1023 in ${setting}.`;
  if (code === 'EADDRNOTAVAIL') return `${where} is not an address of this machine: see ${section}.host.`;
  if (code === 'ENOTFOUND') return `${hostname} is a name that does not resolve: see ${section}.host.`;
  return `The gateway could not start: ${error instanceof Error ? error.message : String(error)}`;
}

async function freePortAfter(host: string, port: number, chosen: readonly number[]): Promise<number | undefined> {
  for (let candidate = port + 1; candidate <= Math.min(65_535, port + MOST_TRIED); candidate += 1) {
    if (!chosen.includes(candidate) && await tryListening(host, candidate) === undefined) return candidate;
  }
  return undefined;
}

/** The error of listening on an address for a moment; `undefined` where it can be listened on. */
function tryListening(host: string, port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(port, host, () => { server.close(() => { resolve(undefined); }); });
  });
}
