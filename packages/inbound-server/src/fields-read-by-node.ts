import { Buffer } from 'node:buffer';
import { createServer, IncomingMessage, type ServerOptions } from 'node:http';
import { Duplex } from 'node:stream';

/** Requests that take every branch of `parserOnIncoming` of node:http. */
const PROBES: readonly string[] = [
  'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ncontent-length: 0\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: a\r\nexpect: the-moon\r\ncontent-length: 0\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: a\r\n\r\n',
];

/**
 * The names of the fields that this version of Node reads of `message.headers` before it emits a request, as a server with `options` does it; `*`
 * if it lists all names. Found by parsing requests whose `headers` record each name; it takes less than a millisecond and opens no connection.
 */
export function findFieldsReadByNode(options: ServerOptions): ReadonlySet<string> {
  const names = new Set<string>();
  for (const probe of PROBES) recordReads(probe, options, names);
  return names;
}

function recordReads(probe: string, options: ServerOptions, names: Set<string>): void {
  let isEmitted = false;
  const record = (name: PropertyKey): void => { if (!isEmitted && typeof name === 'string') names.add(name); };
  class ProbeMessage extends IncomingMessage {}
  Object.defineProperty(ProbeMessage.prototype, 'headers', {
    get(this: ProbeMessage): unknown {
      const fields: Record<string, string> = {};
      for (let index = 0; index < this.rawHeaders.length; index += 2) fields[this.rawHeaders[index] as string] = this.rawHeaders[index + 1] as string;
      return new Proxy(fields, {
        get: (target, name) => { record(name); return Reflect.get(target, name); },
        has: (target, name) => { record(name); return Reflect.has(target, name); },
        ownKeys: (target) => { record('*'); return Reflect.ownKeys(target); },
      });
    },
    set: () => {},
  });
  const server = createServer({ ...options, IncomingMessage: ProbeMessage });
  const emit = Reflect.get(server, 'emit') as (event: string, ...parameters: unknown[]) => boolean;
  const stop = (): void => { isEmitted = true; };
  for (const event of ['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect', 'clientError']) server.on(event, stop);
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => { done(); } });
  socket.on('error', () => undefined);
  emit.call(server, 'connection', socket);
  // Node's parser reads what a socket emits as `data`, in this call.
  socket.emit('data', Buffer.from(probe));
  socket.destroy();
}
