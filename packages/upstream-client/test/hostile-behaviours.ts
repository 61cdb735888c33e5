import type { ScriptedConnection } from '@penstock/test-support';
import type { UpstreamDispatchOptions } from '../src/index.ts';

/** One way an upstream can misbehave, and how a request to it must end. */
export interface HostileBehaviour {
  readonly name: string;
  /** Runs after the request was read, or at once with `atConnect`. */
  readonly act: (connection: ScriptedConnection) => Promise<void> | void;
  readonly atConnect?: boolean;
  readonly request?: Partial<UpstreamDispatchOptions>;
  /** An error code, `ok <status>`, or either of several. */
  readonly expected: string | readonly string[];
  /** The connection must be gone before the next request, which shows that it is not reused. */
  readonly mustClose?: boolean;
}

const HEAD = 'HTTP/1.1 200 OK\r\n';

/** Waits in the script of an upstream; it is the peer that is slow here, not the test. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

const say = (text: string) => (connection: ScriptedConnection): void => { connection.send(text); };
const sayAndEnd = (text: string) => (connection: ScriptedConnection): void => { connection.socket.end(text, 'latin1'); };
const sayAndReset = (text: string) => async (connection: ScriptedConnection): Promise<void> => {
  connection.send(text);
  await pause(50);
  connection.reset();
};
/** Says `piece` again and again until the peer has had enough. */
const repeat = (piece: string, everyMs: number, first = '') => async (connection: ScriptedConnection): Promise<void> => {
  connection.send(first);
  while (connection.end() === 'open' && !connection.socket.destroyed) {
    connection.send(piece);
    await pause(everyMs);
  }
};
const bytewise = (text: string) => async (connection: ScriptedConnection): Promise<void> => {
  for (const byte of text) {
    connection.send(byte);
    await pause(1);
  }
};

function refused(names: Readonly<Record<string, string>>): HostileBehaviour[] {
  return Object.entries(names).map(([name, text]) => ({ name, act: say(text), expected: 'invalid_response' }));
}

const MALFORMED_HEADS = refused({
  'content-length and then chunked': `${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked and then content-length': `${HEAD}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n`,
  'two equal content-lengths': `${HEAD}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
  'two different content-lengths': `${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\nok!`,
  'a list as content-length': `${HEAD}content-length: 2, 2\r\n\r\nok`,
  'a signed content-length': `${HEAD}content-length: +2\r\n\r\nok`,
  'a negative content-length': `${HEAD}content-length: -1\r\n\r\nok`,
  'a hexadecimal content-length': `${HEAD}content-length: 0x2\r\n\r\nok`,
  'a content-length beyond 64 bits': `${HEAD}content-length: 99999999999999999999999\r\n\r\nok`,
  'bare line feeds': 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok',
  'an obsolete folded field': `${HEAD}x-a: 1\r\n 2\r\ncontent-length: 2\r\n\r\nok`,
  'a bare carriage return in a value': `${HEAD}x-a: 1\r2\r\ncontent-length: 2\r\n\r\nok`,
  'a NUL in a value': `${HEAD}x-a: 1\x002\r\ncontent-length: 2\r\n\r\nok`,
  'a control character in a value': `${HEAD}x-a: 1\x012\r\ncontent-length: 2\r\n\r\nok`,
  'a space before the colon': `${HEAD}content-length : 2\r\n\r\nok`,
  'an empty field name': `${HEAD}: 1\r\ncontent-length: 2\r\n\r\nok`,
  'status 2000': 'HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok',
  'status 099': 'HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\nok',
  'status 600': 'HTTP/1.1 600 OK\r\ncontent-length: 2\r\n\r\nok',
  'status 999': 'HTTP/1.1 999 OK\r\ncontent-length: 2\r\n\r\nok',
  'a status that is no number': 'HTTP/1.1 2xx OK\r\n\r\n',
  'garbage': 'the quick brown fox\r\n\r\n',
  'the banner of another protocol': 'SSH-2.0-OpenSSH_9.2p1\r\n',
  'a TLS alert in clear text': '\x15\x03\x01\x00\x02\x02\x28',
  'an HTTP/2 settings frame': '\x00\x00\x00\x04\x00\x00\x00\x00\x00',
  'an HTTP/0.9 page': '<html>hello</html>',
  'a protocol name in small letters': 'http/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'a request instead of a response': 'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
  '101 with an upgrade': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  '101 without an upgrade': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'a field larger than 16 KiB': `${HEAD}x-a: ${'a'.repeat(20_000)}\r\ncontent-length: 2\r\n\r\nok`,
  'three thousand fields': `${HEAD}${'a:b\r\n'.repeat(3_000)}content-length: 2\r\n\r\nok`,
  'a reason phrase of 4 KiB': `HTTP/1.1 200 ${'a'.repeat(4_096)}\r\ncontent-length: 2\r\n\r\nok`,
  'transfer-encoding gzip': `${HEAD}transfer-encoding: gzip\r\n\r\nok`,
  'transfer-encoding gzip, chunked': `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'transfer-encoding identity': `${HEAD}transfer-encoding: identity\r\n\r\nok`,
  'transfer-encoding xchunked': `${HEAD}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'transfer-encoding in two lines': `${HEAD}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'twenty times 100 Continue': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20),
  'twenty early hints': 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(20),
});

const REDIRECTS = [300, 301, 302, 303, 305, 307, 308, 399].map((status): HostileBehaviour => ({
  name: `a ${status} redirect`,
  act: say(`HTTP/1.1 ${status} Elsewhere\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 4\r\n\r\nbody`),
  expected: 'invalid_response',
}));

const BROKEN_BEFORE_THE_HEAD: HostileBehaviour[] = [
  { name: 'FIN instead of a response', act: sayAndEnd(''), expected: 'reset' },
  { name: 'RST instead of a response', act: (connection) => { connection.reset(); }, expected: 'reset' },
  { name: 'FIN inside the head', act: sayAndEnd(`${HEAD}content-le`), expected: 'reset' },
  { name: 'RST inside the head', act: sayAndReset(`${HEAD}content-le`), expected: 'reset' },
  { name: 'FIN after early hints', act: sayAndEnd('HTTP/1.1 103 Early Hints\r\n\r\n'), expected: 'reset' },
  { name: 'FIN at once, while it still reads', atConnect: true, act: (connection) => { connection.socket.end(); }, expected: ['reset', 'ok 200'] },
  { name: 'RST at once', atConnect: true, act: (connection) => { connection.reset(); }, expected: ['reset', 'unreachable', 'ok 200'] },
  { name: 'silence', act: say(''), expected: 'headers_timeout' },
  { name: 'half a status line and then silence', act: say('HTTP/1.1 2'), expected: 'headers_timeout' },
  { name: 'a head that drips without end', act: repeat('x', 20, `${HEAD}x-a: `), expected: 'headers_timeout' },
  { name: '102 Processing without end, slowly', act: repeat('HTTP/1.1 102 Processing\r\n\r\n', 200), expected: 'headers_timeout' },
  { name: '102 Processing without end, fast', act: repeat('HTTP/1.1 102 Processing\r\n\r\n'.repeat(50), 1), expected: 'invalid_response' },
  { name: 'header fields without end', act: repeat(`x-a: ${'a'.repeat(500)}\r\n`.repeat(20), 1, HEAD), expected: 'invalid_response' },
  { name: 'a reason phrase without end', act: repeat('a'.repeat(20_000), 1, 'HTTP/1.1 200 '), expected: 'invalid_response' },
  { name: 'empty lines without end', act: repeat('\r\n'.repeat(10_000), 1), expected: ['invalid_response', 'headers_timeout'] },
];

const BROKEN_AFTER_THE_HEAD: HostileBehaviour[] = [
  { name: 'silence after the head', act: say(`${HEAD}content-length: 10\r\n\r\n`), expected: 'idle_timeout' },
  { name: 'silence inside the body', act: say(`${HEAD}content-length: 10\r\n\r\nabc`), expected: 'idle_timeout' },
  { name: 'silence inside a chunk', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\nff\r\nabc`), expected: 'idle_timeout' },
  { name: 'silence instead of the last chunk', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`), expected: 'idle_timeout' },
  { name: 'FIN inside a body with content-length', act: sayAndEnd(`${HEAD}content-length: 10\r\n\r\nabc`), expected: 'truncated' },
  { name: 'RST inside a body with content-length', act: sayAndReset(`${HEAD}content-length: 10\r\n\r\nabc`), expected: 'truncated' },
  { name: 'FIN inside a chunk', act: sayAndEnd(`${HEAD}transfer-encoding: chunked\r\n\r\nff\r\nabc`), expected: 'truncated' },
  { name: 'FIN instead of the last chunk', act: sayAndEnd(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`), expected: 'truncated' },
  { name: 'RST instead of the last chunk', act: sayAndReset(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`), expected: 'truncated' },
  { name: 'RST inside a body that ends with the connection', act: sayAndReset(`${HEAD}\r\nabc`), expected: 'truncated' },
  { name: 'a chunk size that is no number', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n`), expected: 'truncated' },
  { name: 'a chunk size beyond 64 bits', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n`), expected: 'truncated' },
  { name: 'a negative chunk size', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n`), expected: 'truncated' },
  { name: 'a chunk longer than it said', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n`), expected: 'truncated' },
  { name: 'chunks ended by line feeds', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\n3\nabc\n0\n\n`), expected: 'truncated' },
  { name: 'a chunk extension without end', act: repeat('x'.repeat(1_000), 5, `${HEAD}transfer-encoding: chunked\r\n\r\n3;`), expected: ['idle_timeout', 'truncated'] },
  { name: 'trailers without end', act: repeat('x-a: aaaaaaaaaaaaaaaa\r\n'.repeat(100), 1, `${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n`), expected: 'truncated' },
  { name: 'a trailer that drips', act: repeat('x', 20, `${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-a: `), expected: 'idle_timeout' },
];

const ODD_BUT_COMPLETE: HostileBehaviour[] = [
  { name: 'a head sent byte by byte', act: bytewise(`${HEAD}content-length: 2\r\n\r\nok`), expected: 'ok 200' },
  { name: 'a body slower than the idle clock in all, never between two bytes', act: async (connection) => {
    connection.send(`${HEAD}content-length: 33\r\n\r\n`);
    for (let index = 0; index < 33; index += 1) { await pause(100); connection.send('x'); }
  }, expected: 'ok 200' },
  { name: 'bytes after the content-length', act: say(`${HEAD}content-length: 2\r\n\r\nok and more`), expected: 'ok 200', mustClose: true },
  { name: 'a second response without a request', act: say(`${HEAD}content-length: 2\r\n\r\nok${HEAD}content-length: 6\r\n\r\npoison`), expected: 'ok 200', mustClose: true },
  { name: 'a second response a moment later', act: async (connection) => {
    connection.send(`${HEAD}content-length: 2\r\n\r\nok`);
    await pause(5);
    connection.send(`${HEAD}content-length: 6\r\n\r\npoison`);
  }, expected: 'ok 200', mustClose: true },
  { name: 'FIN right after the response', act: sayAndEnd(`${HEAD}content-length: 2\r\n\r\nok`), expected: 'ok 200', mustClose: true },
  { name: 'RST right after the response', act: sayAndReset(`${HEAD}content-length: 2\r\n\r\nok`), expected: 'ok 200', mustClose: true },
  { name: 'RST after FIN', act: async (connection) => {
    connection.socket.end(`${HEAD}content-length: 2\r\n\r\nok`);
    await pause(20);
    connection.reset();
  }, expected: 'ok 200', mustClose: true },
  { name: 'connection: close on a connection that stays open', act: say(`${HEAD}connection: close\r\ncontent-length: 2\r\n\r\nok`), expected: 'ok 200', mustClose: true },
  { name: 'a body that ends with the connection', act: sayAndEnd(`${HEAD}\r\nok`), expected: 'ok 200' },
  { name: 'HTTP/1.0', act: sayAndEnd('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'), expected: 'ok 200' },
  { name: 'an empty reason phrase', act: say('HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok'), expected: 'ok 200' },
  { name: 'a reason phrase in Latin-1', act: say('HTTP/1.1 200 d\xe9j\xe0 vu\r\ncontent-length: 2\r\n\r\nok'), expected: 'ok 200' },
  { name: 'a status outside the registry', act: say('HTTP/1.1 529 Overloaded\r\ncontent-length: 2\r\n\r\nok'), expected: 'ok 529' },
  { name: 'a field named __proto__', act: say(`${HEAD}__proto__: x\r\nconstructor: y\r\ncontent-length: 2\r\n\r\nok`), expected: 'ok 200' },
  { name: '204 with a body', act: say('HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'), expected: 'ok 204', mustClose: true },
  { name: '304 with a content-length', act: say('HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'), expected: 'ok 304' },
  { name: 'HEAD answered with a body', request: { method: 'HEAD' }, act: say(`${HEAD}content-length: 2\r\n\r\nok`), expected: 'ok 200' },
  { name: 'keep-alive of no time at all', act: say(`${HEAD}keep-alive: timeout=0\r\ncontent-length: 2\r\n\r\nok`), expected: 'ok 200' },
  { name: 'keep-alive that is no number', act: say(`${HEAD}keep-alive: timeout=-1, max=x\r\ncontent-length: 2\r\n\r\nok`), expected: 'ok 200' },
  { name: 'chunks with extensions and trailers', act: say(`${HEAD}transfer-encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nx-a: b\r\n\r\n`), expected: 'ok 200' },
  { name: 'Chunked in capitals', act: say(`${HEAD}transfer-encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n`), expected: 'ok 200' },
  { name: 'an unexpected 100 Continue', act: say(`HTTP/1.1 100 Continue\r\nx-a: b\r\n\r\n${HEAD}content-length: 2\r\n\r\nok`), expected: 'ok 200' },
  { name: '100 Continue in pieces', act: async (connection) => {
    for (const piece of ['HTTP/1.1 10', '0 \r\n', '\r', `\n${HEAD}content-length: 2\r\n\r\nok`]) { connection.send(piece); await new Promise(setImmediate); }
  }, expected: 'ok 200' },
  { name: '100 Continue after the response', act: say(`${HEAD}content-length: 2\r\n\r\nokHTTP/1.1 100 Continue\r\n\r\n`), expected: 'ok 200', mustClose: true },
  { name: 'early hints before the response', act: say(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${HEAD}content-length: 2\r\n\r\nok`), expected: 'ok 200' },
];

const LARGE: Partial<UpstreamDispatchOptions> = { body: [Buffer.alloc(12_000_000)] };

const WHILE_UPLOADING: HostileBehaviour[] = [
  { name: 'an answer before it has read the request', atConnect: true, request: LARGE, act: async (connection) => {
    await connection.waitFor((unread) => unread.byteLength > 1_000);
    connection.send('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno');
  }, expected: 'ok 413' },
  { name: 'an answer and FIN before it has read the request', atConnect: true, request: LARGE, act: async (connection) => {
    await connection.waitFor((unread) => unread.byteLength > 1_000);
    connection.socket.end('HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno');
  }, expected: 'ok 413' },
  { name: 'an answer and RST before it has read the request', atConnect: true, request: LARGE, act: async (connection) => {
    await connection.waitFor((unread) => unread.byteLength > 1_000);
    connection.socket.pause();
    connection.socket.write('HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno', () => { connection.close(); });
  }, expected: 'ok 413' },
  { name: 'RST while the request is sent', atConnect: true, request: LARGE, act: async (connection) => {
    await connection.waitFor((unread) => unread.byteLength > 1_000);
    connection.reset();
  }, expected: 'reset' },
  { name: 'FIN while the request is sent', atConnect: true, request: LARGE, act: async (connection) => {
    await connection.waitFor((unread) => unread.byteLength > 1_000);
    connection.socket.end();
  }, expected: 'reset' },
  { name: 'a request it never reads', atConnect: true, request: { ...LARGE, timeouts: { writeStallMs: 700 } }, act: (connection) => { connection.socket.pause(); }, expected: 'write_timeout' },
];

/** All behaviours; the count is asserted, so that none gets lost. */
export const HOSTILE_BEHAVIOURS: readonly HostileBehaviour[] = [
  ...MALFORMED_HEADS, ...REDIRECTS, ...BROKEN_BEFORE_THE_HEAD, ...BROKEN_AFTER_THE_HEAD, ...ODD_BUT_COMPLETE, ...WHILE_UPLOADING,
];
