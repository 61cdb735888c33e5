import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What a fault proxy does to the bytes; `none` lets them pass. */
export const PROXY_FAULTS = ['none', 'reset', 'fin', 'stall', 'drip', 'garbage', 'damage', 'huge', 'duplicate', 'out_of_order'] as const;

/** One of `PROXY_FAULTS`. */
export type ProxyFault = (typeof PROXY_FAULTS)[number];

/** Where a fault proxy listens and connects. */
export interface FaultProxyOptions {
  /** Delay of each chunk, in both directions. @defaultValue 0 */
  readonly latencyMs?: number;
  /** @defaultValue 127.0.0.1 */
  readonly targetHost?: string;
  /** @defaultValue any free port */
  readonly listenPort?: number;
  /** @defaultValue 127.0.0.1 */
  readonly listenHost?: string;
}

/** A TCP hop between two parties that behaves until it is told not to. */
export interface FaultProxy {
  readonly port: number;
  /** Acts on the connections that are open, and on those that come, until the next call. */
  set(fault: ProxyFault): void;
  /** Connections that are open now. */
  open(): number;
  /** Bytes that passed towards the target so far. */
  bytesForward(): number;
  close(): Promise<void>;
}

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  /** A chunk that waits to be overtaken by the next. */
  held: Buffer | undefined;
}

const GARBAGE = Buffer.from('\u0000\u00ff%$!nonsense\r\n\r\n', 'latin1');
const HUGE = Buffer.alloc(4 * 1024 * 1024, 0x39);
const DRIP_MS = 50;

/** What becomes of a chunk on its way back to the near side. */
function carryBack(link: Link, chunk: Buffer, fault: ProxyFault): void {
  const { near, far } = link;
  if (fault === 'stall') return;
  if (fault === 'drip') {
    far.pause();
    let at = 0;
    const timer = setInterval(() => {
      if (near.destroyed) clearInterval(timer);
      else if (at < chunk.length) near.write(chunk.subarray(at, at += 1));
      else {
        clearInterval(timer);
        far.resume();
      }
    }, DRIP_MS);
  } else if (fault === 'duplicate') near.write(Buffer.concat([chunk, chunk]));
  else if (fault === 'damage') near.write(Buffer.from(chunk.map((byte) => byte ^ 0x55)));
  else if (fault === 'out_of_order' && link.held === undefined) link.held = chunk;
  else {
    near.write(link.held === undefined ? chunk : Buffer.concat([chunk, link.held]));
    link.held = undefined;
  }
}

function strike({ near, far }: Link, fault: ProxyFault): void {
  if (fault === 'reset') {
    near.resetAndDestroy();
    far.resetAndDestroy();
  } else if (fault === 'fin') near.end();
  else if (fault === 'garbage') near.write(GARBAGE);
  else if (fault === 'huge') near.write(HUGE);
}

/** Starts a fault proxy in front of the port `target`. */
export async function startFaultProxy(target: number, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const { latencyMs = 0, targetHost = '127.0.0.1', listenPort = 0, listenHost = '127.0.0.1' } = options;
  const links = new Set<Link>();
  let fault: ProxyFault = 'none';
  let forwarded = 0;
  const later = (act: () => void): void => { if (latencyMs > 0) setTimeout(act, latencyMs); else act(); };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: target, host: targetHost, noDelay: true, allowHalfOpen: true });
    const link: Link = { near, far, held: undefined };
    links.add(link);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on('error', () => undefined);
      one.on('close', () => { links.delete(link); other.destroy(); });
      one.on('end', () => later(() => { if (fault !== 'stall') other.end(); }));
    }
    near.on('data', (chunk: Buffer) => later(() => {
      if (fault === 'stall' || far.destroyed) return;
      forwarded += chunk.length;
      if (far.write(chunk)) return;
      near.pause();
      far.once('drain', () => near.resume());
    }));
    far.on('data', (chunk: Buffer) => later(() => { if (!near.destroyed) carryBack(link, chunk, fault); }));
    strike(link, fault);
  });
  server.listen(listenPort, listenHost);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      fault = next;
      for (const link of links) strike(link, next);
    },
    open: () => links.size,
    bytesForward: () => forwarded,
    async close() {
      for (const { near, far } of links) {
        near.destroy();
        far.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}
