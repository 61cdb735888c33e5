import { once } from 'node:events';
import { connect } from 'node:net';

/** What a probed process did between two moments, counted by turns of its event loop. */
export interface TurnReport {
  readonly turns: number;
  /** Bytes read from all of its connections. */
  readonly bytes: number;
  /** The most bytes that were read from one connection in one turn. */
  readonly mostBytesOfASocket: number;
  /** The most pieces of one body that came in one turn. */
  readonly mostChunksOfAMessage: number;
  /** The longest turn, and the one that needed most processor time of the loop's own thread. */
  readonly longestMs: number;
  readonly longestCpuMs: number;
  /** The most memory held besides that of the beginning, each time after a garbage collection. */
  readonly mostHeldBytes: number;
}

/** The option of Node that loads the probe into a program; `path` is where its control socket will be. */
export function turnProbeOption(path: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return `--import=${new URL(`./turn-probe.${extension}?${encodeURIComponent(path)}`, import.meta.url).href}`;
}

/** Begins a measurement; the returned function ends it. */
export async function beginTurnReport(path: string): Promise<() => Promise<TurnReport>> {
  const socket = connect({ path, allowHalfOpen: true });
  const [begun] = await once(socket, 'data') as [Buffer];
  let text = begun.toString().slice('begun\n'.length);
  socket.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  return async () => {
    const ended = once(socket, 'end');
    socket.end();
    await ended;
    return JSON.parse(text) as TurnReport;
  };
}
