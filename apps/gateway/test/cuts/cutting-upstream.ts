import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { fieldValues, loadRecordings, wrapSocket, type RawConnection, type Recording } from '@penstock/test-support';

/** How the upstream ends after the cut: closes, resets, or says nothing more. */
export const CUT_KINDS = ['fin', 'reset', 'stall'] as const;

/** One of `CUT_KINDS`. */
export type CutKind = (typeof CUT_KINDS)[number];

/** The request field that tells the upstream what to do; `anthropic-*` crosses the gateway. */
export const CUT_FIELD = 'anthropic-cut';

/** The value of the field. */
export const cutValue = (recording: Recording, offset: number, kind: CutKind): string => `${recording.name} ${offset} ${kind}`;

/** The same as a model's name: of an OpenAI client's request, only the model crosses the front door. */
export const cutModel = (recording: Recording, offset: number, kind: CutKind): string => `claude-cut ${cutValue(recording, offset, kind)}`;

/** The recorded streams that end whole, smallest first. */
export function wholeStreams(): Recording[] {
  return loadRecordings('sse').filter(({ body }) => body.includes('event: message_stop')).toSorted((a, b) => a.body.length - b.body.length);
}

/** The offset after which every event of the stream has arrived: the end of its message_stop. */
export function wholeAt({ body }: Recording): number {
  const start = body.lastIndexOf('event: message_stop');
  return body.indexOf('\n\n', start) + 2;
}

/** Offsets right after each blank line. */
export function boundaries({ body }: Recording): number[] {
  const ends: number[] = [];
  for (let at = body.indexOf('\n\n'); at !== -1; at = body.indexOf('\n\n', at + 2)) ends.push(at + 2);
  return ends;
}

/** Offsets within three bytes of each boundary, and none outside the body. */
export function nearBoundaries(recording: Recording): number[] {
  const near = boundaries(recording).flatMap((end) => [-3, -2, -1, 0, 1, 2, 3].map((distance) => end + distance));
  return [...new Set(near)].filter((offset) => offset >= 0 && offset <= recording.body.length);
}

/** An upstream that cuts; it remembers nothing of what it was asked, however often that is. */
export interface CuttingUpstream {
  readonly origin: string;
  close(): Promise<void>;
}

/** An upstream that replays a recording up to the offset it is asked for, and then breaks. It never sends the terminating chunk. */
export async function startCuttingUpstream(recordings: readonly Recording[]): Promise<CuttingUpstream> {
  const byName = new Map(recordings.map((recording) => [recording.name, recording]));
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => { open.delete(socket); });
    answerCut(wrapSocket(socket), byName).catch(() => { socket.destroy(); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answerCut(connection: RawConnection, byName: ReadonlyMap<string, Recording>): Promise<void> {
  const request = await connection.readMessage({ kind: 'request' }, 600_000);
  const asked = fieldValues(request.rawHeaders, CUT_FIELD)[0] ?? /"model":"claude-cut ([^"]*)"/.exec(request.body.toString())?.[1] ?? '';
  const [name = '', offset = '0', kind = 'fin'] = asked.split(' ');
  const sent = byName.get(name)?.body.subarray(0, Number(offset)) ?? Buffer.alloc(0);
  connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_cut\r\ntransfer-encoding: chunked\r\n\r\n');
  if (sent.length > 0) connection.send(Buffer.concat([Buffer.from(`${sent.length.toString(16)}\r\n`), sent, Buffer.from('\r\n')]));
  if (kind === 'fin') connection.socket.end();
  else if (kind === 'reset') setImmediate(() => connection.reset());
}
