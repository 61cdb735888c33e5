import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { BoundedCell, BoundedSide } from './bounded-cell.ts';
import type { RepeatedBytes } from './costly-bodies.ts';

/** What came of one cell. */
export interface BoundedOutcome {
  /** The status of the last response that the client read, 0 when the connection ended without one. Behind a refusal the gateway throws away what comes. */
  readonly status: number;
  /** Bytes that the party sent before it was done or cut off, and bytes that the client read. */
  readonly sentBytes: number;
  readonly readBytes: number;
}

/** An upstream and a client on plain sockets, which cost less than what is between them. */
export interface BoundedRig {
  readonly upstreamOrigin: string;
  run(cell: BoundedCell, bytes: number, ports: { readonly port: number; readonly operationsPort: number }): Promise<BoundedOutcome>;
  [Symbol.asyncDispose](): Promise<void>;
}

const ASKS: Readonly<Record<Exclude<BoundedSide, 'operations'>, readonly [path: string, model: string]>> = {
  native: ['/anthropic/v1/messages', 'claude-m'],
  translated: ['/v1/chat/completions', 'claude-m'],
  relayed: ['/v1/chat/completions', 'other-m'],
};
const USUAL_ANSWER = '{"id":"msg_1","type":"message","role":"assistant","model":"claude-m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}';

/** Resolves when the socket takes more, or never will. */
function untilDrained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle);
      socket.off('close', settle);
      resolve();
    };
    socket.on('drain', settle);
    socket.on('close', settle);
  });
}

/** Writes as fast as the peer reads; resolves with the bytes that were handed over. */
async function send(socket: Socket, parts: readonly RepeatedBytes[]): Promise<number> {
  let sent = 0;
  const write = async (bytes: Buffer): Promise<void> => {
    if (bytes.length === 0 || socket.destroyed) return;
    sent += bytes.length;
    if (!socket.write(bytes)) await untilDrained(socket);
  };
  for (const { first, block, times, last } of parts) {
    await write(first);
    for (let time = 0; time < times && !socket.destroyed; time += 1) await write(block);
    await write(last);
  }
  return sent;
}

const HEAD = 'HTTP/1.1\r\nhost: localhost\r\nx-api-key: k\r\nconnection: close\r\n';

const STATUS_LINE = 'HTTP/1.1 ';
const STATUS_LINE_BYTES = STATUS_LINE.length + 3;

/** The status of the last status line that is whole in these bytes. */
function lastStatus(text: Buffer): number | undefined {
  if (text.length < STATUS_LINE_BYTES) return undefined;
  const at = text.lastIndexOf(STATUS_LINE, text.length - STATUS_LINE_BYTES, 'latin1');
  return at < 0 ? undefined : Number(text.toString('latin1', at + STATUS_LINE.length, at + STATUS_LINE_BYTES));
}

function whole(request: string): RepeatedBytes {
  return { first: Buffer.from(request), block: Buffer.alloc(0), times: 0, last: Buffer.alloc(0) };
}

function askFor(cell: BoundedCell): RepeatedBytes[] {
  if (cell.side === 'operations') throw new Error('the operations listener has no upstream');
  if (cell.name.includes('list of models')) return [whole(`GET ${cell.side === 'native' ? '/anthropic' : ''}/v1/models ${HEAD}\r\n`)];
  const [path, model] = ASKS[cell.side];
  const body = JSON.stringify({ model, max_tokens: 5, stream: cell.name.includes('stream'), messages: [{ role: 'user', content: 'hi' }] });
  return [whole(`POST ${path} ${HEAD}content-type: application/json\r\naccept-encoding: gzip, br, zstd\r\ncontent-length: ${body.length}\r\n\r\n${body}`)];
}

/** Starts the rig. */
export async function createBoundedRig(): Promise<BoundedRig> {
  let answer: readonly RepeatedBytes[] | undefined;
  let answered = 0;
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.resume();
    await once(request, 'end');
    if (answer === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(USUAL_ANSWER);
      return;
    }
    const { socket } = request;
    answered += await send(socket, answer);
    socket.end();
  };
  const upstream = createServer({ requestTimeout: 0 }, (request, response) => { void respond(request, response).catch(() => undefined); });
  upstream.on('clientError', () => undefined);
  upstream.on('connection', (socket: Socket) => { socket.on('error', () => undefined); });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  return {
    upstreamOrigin: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    async run(cell, bytes, { port, operationsPort }) {
      const parts = cell.wire(bytes);
      answer = cell.party === 'upstream' ? parts : undefined;
      answered = 0;
      const socket = connect({ port: cell.side === 'operations' ? operationsPort : port, host: '127.0.0.1' });
      let status = 0;
      let readBytes = 0;
      socket.on('error', () => undefined);
      let tail = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        readBytes += chunk.length;
        // A status line may stand in two chunks.
        const text = Buffer.concat([tail, chunk]);
        status = lastStatus(text) ?? status;
        tail = text.subarray(-STATUS_LINE_BYTES);
      });
      const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
      const sent = await send(socket, cell.party === 'client' ? parts : askFor(cell));
      await closed;
      return { status, readBytes, sentBytes: cell.party === 'client' ? sent : answered };
    },
    async [Symbol.asyncDispose]() {
      upstream.closeAllConnections();
      upstream.close();
      await once(upstream, 'close');
    },
  };
}
