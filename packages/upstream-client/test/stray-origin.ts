import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** One connection of the origin, as the test judges it. */
export interface StrayConnection {
  /** Whether a response without a request was put among its answers. */
  strayed: boolean;
  isOpen: boolean;
  /** Answers that went to a request which they do not belong to, the stray itself included. */
  wrong: number;
}

/** An origin in a time of its own, whose events the driver runs. */
export interface StrayOrigin {
  readonly origin: string;
  readonly connections: readonly StrayConnection[];
  /** Requests that arrived so far. */
  received(): number;
  /** Answers so far, strays not counted. */
  answered(): number;
  /** The connection on which a request was answered, or a stray was sent, by what the answer says. */
  sentBy(text: string): StrayConnection | undefined;
  /** When the next thing is due. */
  next(): number | undefined;
  /** Does all that is due by now. */
  run(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How the origin behaves; times in milliseconds of the driver's clock. */
export interface StrayOriginOptions {
  readonly now: () => number;
  /** How long the next answer takes. */
  readonly answerMs: () => number;
  /** After which answer a stray follows, and how soon; `undefined` for none. */
  readonly strayAfter: (answer: number) => number | undefined;
}

interface Connection extends StrayConnection {
  readonly socket: Socket;
  readonly waiting: string[];
  unread: string;
  isBusy: boolean;
}

const answer = (status: string, text: string): string => `HTTP/1.1 ${status}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

/** Starts one that answers each connection's requests one after the other, with the path of the request. */
export async function startStrayOrigin({ now, answerMs, strayAfter }: StrayOriginOptions): Promise<StrayOrigin> {
  const connections: Connection[] = [];
  const sent = new Map<string, Connection>();
  const due: { readonly at: number; readonly act: () => void }[] = [];
  let received = 0;
  let answered = 0;

  const later = (connection: Connection, ms: number, act: () => void): void => {
    due.push({ at: now() + ms, act: () => { if (connection.isOpen) act(); } });
  };
  const send = (connection: Connection, status: string, text: string): void => {
    sent.set(text, connection);
    connection.socket.write(answer(status, text));
  };
  const stray = (connection: Connection, number: number): void => { send(connection, '500 Late', `stray ${number}`); };
  const begin = (connection: Connection): void => {
    const path = connection.waiting.shift();
    connection.isBusy = path !== undefined;
    if (path === undefined) return;
    later(connection, answerMs(), () => {
      answered += 1;
      const number = answered;
      send(connection, '200 OK', path);
      const strayMs = connection.strayed ? undefined : strayAfter(number);
      connection.strayed ||= strayMs !== undefined;
      if (strayMs === 0) stray(connection, number);
      else if (strayMs !== undefined) later(connection, strayMs, () => { stray(connection, number); });
      begin(connection);
    });
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const connection: Connection = { socket, strayed: false, isOpen: true, wrong: 0, waiting: [], unread: '', isBusy: false };
    connections.push(connection);
    socket.on('error', () => undefined);
    socket.on('close', () => { connection.isOpen = false; });
    socket.on('data', (bytes) => {
      connection.unread += bytes.toString('latin1');
      for (let end = connection.unread.indexOf('\r\n\r\n'); end >= 0; end = connection.unread.indexOf('\r\n\r\n')) {
        connection.waiting.push(connection.unread.split(' ')[1] ?? '');
        connection.unread = connection.unread.slice(end + 4);
        received += 1;
      }
      if (!connection.isBusy) begin(connection);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    received: () => received,
    answered: () => answered,
    sentBy: (text) => sent.get(text),
    next: () => due.reduce<number | undefined>((soonest, { at }) => (soonest === undefined || at < soonest ? at : soonest), undefined),
    run() {
      const ready = due.filter(({ at }) => at <= now());
      for (const event of ready) due.splice(due.indexOf(event), 1);
      for (const { act } of ready.toSorted((one, other) => one.at - other.at)) act();
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
