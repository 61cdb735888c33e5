import type { Server } from 'node:net';
import { fieldValues, startScriptedUpstream, wholeResponse, type ScriptedConnection, type ScriptedUpstream } from '@penstock/test-support';
import { pause } from './fault-requests.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (name: string, more = ''): string => chunk(`event: ${name}\ndata: {"type":"${name}"${more}}\n\n`);
const START = event('message_start');
const STOP = `${event('message_stop')}0\r\n\r\n`;
const WHOLE = wholeResponse(200, ['content-type', 'application/json'], '{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}');
const LISTED = wholeResponse(200, ['content-type', 'application/json'], '{"data":[]}');
const HUGE_HEAD = `HTTP/1.1 200 OK\r\nx-huge: ${'a'.repeat(300_000)}\r\n\r\n`;

/** A chunk that no client takes whole without reading. */
const FLOOD = Buffer.alloc(32_000_000, 0x61);
FLOOD.write(`${(FLOOD.length - 9).toString(16)}\r\n: `);

const HUGE_EVENT = Buffer.from(event('content_block_delta', `,"x":"${'a'.repeat(12_000_000)}"`));

/** What the upstream does with one request; `true` keeps the connection. */
type Behaviour = (connection: ScriptedConnection) => Promise<boolean | void> | boolean;

const never = new Promise<void>(() => undefined);
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const send = (bytes: string | Buffer): Behaviour => (connection) => { connection.send(bytes); return never; };
const sendAndEnd = (bytes: string | Buffer): Behaviour => (connection) => { connection.send(bytes); return false; };
const sendAndKeep = (bytes: string | Buffer): Behaviour => (connection) => { connection.send(bytes); return true; };

async function drip(connection: ScriptedConnection, text: string, everyMs: number): Promise<boolean> {
  for (const byte of text) {
    if (connection.end() !== 'open') return false;
    connection.send(byte);
    await pause(everyMs);
  }
  return true;
}

/** Takes a request with pauses. */
async function readSlowly(connection: ScriptedConnection): Promise<void> {
  while (connection.end() === 'open' && !connection.socket.destroyed) {
    connection.socket.pause();
    await pause(150);
    connection.socket.resume();
    await pause(5);
    if (connection.received().at(-1) === 0x7d) break;
  }
  connection.send(WHOLE);
}

/** Behaviours that begin when the head of the request has come; its body may still be on the way. */
const EARLY: Readonly<Record<string, Behaviour>> = {
  'send-reset': (connection) => { connection.reset(); return false; },
  'send-fin': (connection) => { connection.close(); return false; },
  'send-stall': (connection) => { connection.socket.pause(); return never; },
  'send-drip': readSlowly,
  'send-garbage': send('\u0001\u0002 no HTTP at all\r\n\r\n'),
  'send-huge': send(HUGE_HEAD),
  'send-duplicate': async (connection) => {
    connection.send('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
    await connection.nextRequest(30_000);
    connection.send(WHOLE);
    return true;
  },
  'send-out-of-order': async (connection) => {
    connection.send(wholeResponse(413, ['content-type', 'application/json', 'connection', 'close'], '{"type":"error"}'));
    await pause(300);
  },
};

/** When the requests that are held on a connection may end. */
const heldUntil = new WeakMap<ScriptedConnection, Promise<void>>();

/** Behaviours that begin when the request is whole. */
const LATE: Readonly<Record<string, Behaviour>> = {
  'head-reset': (connection) => { connection.reset(); return false; },
  'head-fin': () => false,
  'head-stall': () => never,
  'head-drip': (connection) => drip(connection, HEAD, 60),
  'head-garbage': send('SSH-2.0-not-a-web-server\r\n'),
  'head-huge': send(HUGE_HEAD),
  'head-duplicate': send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc'),
  'head-out-of-order': send('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  'body-reset': async (connection) => {
    connection.send(HEAD + START);
    await pause(30);
    connection.reset();
  },
  'body-fin': sendAndEnd(HEAD + START),
  'body-fin-inside': sendAndEnd(HEAD + chunk('event: message_start\nda')),
  'body-stall': send(HEAD + START),
  'body-drip': async (connection) => {
    connection.send(HEAD);
    return drip(connection, START + STOP, 4);
  },
  'body-garbage': send(`${HEAD}${START}not a chunk size\r\n`),
  'body-huge': (connection) => { connection.send(HEAD); connection.send(HUGE_EVENT); return sendAndKeep(STOP)(connection); },
  'body-duplicate': send(Buffer.concat([Buffer.from(HEAD + START + STOP), WHOLE])),
  'body-out-of-order': sendAndKeep(HEAD + event('message_stop') + event('ping') + START + STOP),
  'body-flood': (connection) => { connection.send(HEAD); return send(FLOOD)(connection); },
  'end-reset': async (connection) => {
    connection.send(WHOLE);
    await pause(20);
    connection.reset();
  },
  'end-fin': sendAndEnd(WHOLE),
  'end-garbage': async (connection) => {
    connection.send(WHOLE);
    await turn();
    connection.send('and then some');
    await pause(50);
  },
  'end-duplicate': async (connection) => {
    connection.send(WHOLE);
    await turn();
    connection.send(WHOLE);
    await pause(50);
  },
  held: async (connection) => {
    connection.send(HEAD + START);
    await (heldUntil.get(connection) ?? never);
    connection.send(STOP);
    return true;
  },
};

/** An upstream that does what the field `anthropic-fault` of a request says. */
export interface FaultUpstream extends ScriptedUpstream {
  /** Lets the requests with `anthropic-fault: held` that are open end well. */
  release(): void;
}

/** Serves one connection until a behaviour ends it. */
async function serve(connection: ScriptedConnection, gate: () => Promise<void>): Promise<void> {
  for (;;) {
    const head = await connection.waitFor((bytes) => bytes.includes('\r\n\r\n'), 600_000);
    const early = EARLY[/\r\nanthropic-fault: ([\w-]+)/i.exec(head.toString('latin1', 0, 4_096))?.[1] ?? ''];
    heldUntil.set(connection, gate());
    if (early !== undefined) {
      if (await early(connection) !== true) break;
      continue;
    }
    const request = await connection.nextRequest(600_000);
    if (!request.complete) break;
    const late = LATE[fieldValues(request.rawHeaders, 'anthropic-fault')[0] ?? ''];
    if (late !== undefined) {
      if (await late(connection) !== true) break;
    } else if (request.startLine.startsWith('GET ')) connection.send(LISTED);
    else connection.send(request.body.includes('"stream":true') ? HEAD + START + STOP : WHOLE);
  }
  connection.socket.end();
}

/** Starts a fault upstream; with `server`, behind that (TLS) server. */
export async function startFaultUpstream(server?: Server): Promise<FaultUpstream> {
  let gate = Promise.withResolvers<void>();
  const upstream = await startScriptedUpstream((connection) => serve(connection, () => gate.promise), server === undefined ? {} : { server });
  const release = (): void => {
    gate.resolve();
    gate = Promise.withResolvers();
  };
  return { ...upstream, release };
}
