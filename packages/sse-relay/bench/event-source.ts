import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n';
const DATA = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" the quick brown fox"}   }';
const EVENT = `event: content_block_delta\ndata: ${DATA}\n\n`;
const FRAME = Buffer.from(`${EVENT.length.toString(16)}\r\n${EVENT}\r\n`);

/** The bytes of one event as the client gets them, framing included. */
export const FRAME_BYTES: number = FRAME.length;

/** How a source paces a stream. */
export interface EventSourceOptions {
  /** 0: `eventsAtOnce` at a time, as fast as the connection takes them. */
  readonly eventsPerSecond: number;
  readonly eventsAtOnce: number;
  readonly eventsPerStream: number;
}

/** Starts an origin that answers every request with a stream of events in a phase of its own, written with no HTTP library in the way. */
export async function startEventSource(options: EventSourceOptions): Promise<Server> {
  const burst = Buffer.concat(Array.from({ length: options.eventsAtOnce }, () => FRAME));
  const stream = (socket: Socket): void => {
    let sent = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => { clearInterval(timer); if (socket.writable) socket.write('0\r\n\r\n'); };
    const next = (): boolean => {
      sent += options.eventsAtOnce;
      const isFlowing = socket.write(burst);
      if (sent >= options.eventsPerStream) finish();
      return isFlowing;
    };
    const flood = (): void => {
      while (sent < options.eventsPerStream) if (!next()) { socket.once('drain', flood); return; }
    };
    socket.write(HEAD);
    if (options.eventsPerSecond === 0) { flood(); return; }
    const periodMs = options.eventsAtOnce * 1_000 / options.eventsPerSecond;
    setTimeout(() => { timer = setInterval(next, periodMs); }, Math.random() * periodMs);
    socket.once('close', () => clearInterval(timer));
  };
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => { if (bytes.includes('\r\n\r\n')) stream(socket); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
