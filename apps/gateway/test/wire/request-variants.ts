/**
 * Raw requests that two readers may read differently, generated: each class is one place of a request, and everything that was ever put there to
 * make a difference. `{id}` stands for four characters that mark the case in what arrives upstream.
 */

/** One raw request; what must become of it is the same for all: one well-framed outbound request with its own answer, or none. */
export interface RequestVariant {
  readonly name: string;
  readonly bytes: string;
}

const HOST = 'Host: localhost\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const BODY = '{"model":"m","n":"{id}"}';
/** A request of another client, if a reader takes it for one. */
const SMUGGLED = 'GET /anthropic/v1/models?smuggled={id} HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** A request of the same client behind another one: it may be served after that one, or refused. */
const BEHIND = SMUGGLED.replace('smuggled', 'behind');
const POST = 'POST /anthropic/v1/messages?case={id} HTTP/1.1\r\n';
const GET = 'GET /anthropic/v1/models?case={id} HTTP/1.1\r\n';

const post = (fields: string, rest: string): string => `${POST}${HOST}${JSON_TYPE}${fields}\r\n${rest}`;
const get = (fields: string = ''): string => `${GET}${HOST}${fields}\r\n`;
const hex = (text: string): string => text.length.toString(16);
const chunked = (body: string): string => `${hex(body)}\r\n${body}\r\n0\r\n\r\n`;

const CL = `Content-Length: ${BODY.length}\r\n`;
const TE = 'Transfer-Encoding: chunked\r\n';
/** One byte of each kind that parsers treat apart: controls, blanks, delimiters, letters, and bytes above ASCII. */
const BYTES: readonly string[] = [
  ...Array.from({ length: 0x21 }, (_, code) => code), 0x22, 0x23, 0x25, 0x27, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x3a, 0x3b, 0x3d, 0x40, 0x41, 0x5b, 0x5c, 0x5f, 0x7f, 0x80, 0x85, 0xa0, 0xad, 0xc0, 0xff,
].map((code) => String.fromCodePoint(code));
const shown = (text: string): string => JSON.stringify(text);

/** A byte too many in a framing field, at each place of it, with the body that either reader would like. */
function* framingBytes(): Generator<RequestVariant> {
  const places: Readonly<Record<string, (byte: string) => string>> = {
    'before the name': (byte) => `${byte}Transfer-Encoding: chunked\r\n`,
    'inside the name': (byte) => `Transfer-${byte}Encoding: chunked\r\n`,
    'behind the name': (byte) => `Transfer-Encoding${byte}: chunked\r\n`,
    'behind the colon': (byte) => `Transfer-Encoding:${byte}chunked\r\n`,
    'inside the value': (byte) => `Transfer-Encoding: chu${byte}nked\r\n`,
    'behind the value': (byte) => `Transfer-Encoding: chunked${byte}\r\n`,
    'behind CR': (byte) => `Transfer-Encoding: chunked\r${byte}\n`,
    'in a field before': (byte) => `Accept: x${byte}Transfer-Encoding: chunked\r\n`,
    'in a field before, as its end': (byte) => `Accept: x${byte}\r\n${TE}`,
  };
  for (const [place, field] of Object.entries(places)) {
    for (const byte of BYTES) {
      const name = `${shown(byte)} ${place} of Transfer-Encoding`;
      yield { name: `${name}, chunked body`, bytes: post(field(byte), chunked(BODY)) };
      yield { name: `${name}, and a length for the chunked bytes`, bytes: post(`Content-Length: ${chunked(BODY).length}\r\n${field(byte)}`, chunked(BODY)) };
      yield { name: `${name}, and a length that ends before a request`, bytes: post(`${field(byte)}Content-Length: 4\r\n`, `${hex(SMUGGLED)}\r\n${SMUGGLED}\r\n0\r\n\r\n`) };
      yield { name: `${name}, and a length with a request behind the last chunk`, bytes: post(`Content-Length: ${5 + SMUGGLED.length}\r\n${field(byte)}`, `0\r\n\r\n${SMUGGLED}`) };
    }
  }
}

/** A byte too many in a length, at each place of it. */
function* lengthBytes(): Generator<RequestVariant> {
  const places: Readonly<Record<string, (byte: string) => string>> = {
    'before the name': (byte) => `${byte}Content-Length: ${BODY.length}\r\n`,
    'behind the name': (byte) => `Content-Length${byte}: ${BODY.length}\r\n`,
    'before the digits': (byte) => `Content-Length: ${byte}${BODY.length}\r\n`,
    'between the digits': (byte) => `Content-Length: 2${byte}4\r\n`,
    'behind the digits': (byte) => `Content-Length: ${BODY.length}${byte}\r\n`,
    'behind CR': (byte) => `Content-Length: ${BODY.length}\r${byte}\n`,
  };
  for (const [place, field] of Object.entries(places)) {
    for (const byte of BYTES) {
      yield { name: `${shown(byte)} ${place} of Content-Length`, bytes: post(field(byte), BODY) };
      yield { name: `${shown(byte)} ${place} of Content-Length, beside a right one`, bytes: post(`${CL}${field(byte)}`, BODY) };
      yield { name: `${shown(byte)} ${place} of Content-Length, with a request for a body`, bytes: post(field(byte).replace(String(BODY.length), String(SMUGGLED.length)), SMUGGLED) };
    }
  }
}

/** A byte too many in the chunked coding, at each place of it. */
function* chunkBytes(): Generator<RequestVariant> {
  const half = BODY.length >> 1;
  const [first, second] = [BODY.slice(0, half), BODY.slice(half)];
  const places: Readonly<Record<string, (byte: string) => string>> = {
    'before a size': (byte) => `${byte}${hex(BODY)}\r\n${BODY}\r\n0\r\n\r\n`,
    'behind a size': (byte) => `${hex(BODY)}${byte}\r\n${BODY}\r\n0\r\n\r\n`,
    'in an extension': (byte) => `${hex(BODY)};a${byte}b\r\n${BODY}\r\n0\r\n\r\n`,
    'for the CR of a size line': (byte) => `${hex(BODY)}${byte}\n${BODY}\r\n0\r\n\r\n`,
    'for the LF of a size line': (byte) => `${hex(BODY)}\r${byte}${BODY}\r\n0\r\n\r\n`,
    'behind the data': (byte) => `${hex(first)}\r\n${first}${byte}\r\n${hex(second)}\r\n${second}\r\n0\r\n\r\n`,
    'for the CR behind the data': (byte) => `${hex(first)}\r\n${first}${byte}\n${hex(second)}\r\n${second}\r\n0\r\n\r\n`,
    'before the last chunk': (byte) => `${hex(BODY)}\r\n${BODY}\r\n${byte}0\r\n\r\n`,
    'behind the last chunk': (byte) => `${hex(BODY)}\r\n${BODY}\r\n0${byte}\r\n\r\n`,
    'before the end': (byte) => `${hex(BODY)}\r\n${BODY}\r\n0\r\n${byte}\r\n`,
    'in a trailer': (byte) => `${hex(BODY)}\r\n${BODY}\r\n0\r\nX-A${byte}: b\r\n\r\n`,
    'in an extension that hides a request': (byte) => `0;a${byte}\r\n\r\n${SMUGGLED}`,
  };
  for (const [place, body] of Object.entries(places)) for (const byte of BYTES) yield { name: `${shown(byte)} ${place} of a chunk`, bytes: post(TE, body(byte)) };
}

/** A byte too many in the request line and in Host, at each place of them. */
function* headBytes(): Generator<RequestVariant> {
  const places: Readonly<Record<string, (byte: string) => string>> = {
    'before the method': (byte) => `${byte}${get()}`,
    'inside the method': (byte) => get().replace('GET', `G${byte}ET`),
    'behind the method': (byte) => get().replace('GET ', `GET${byte} `),
    'before the target': (byte) => get().replace('GET /', `GET ${byte}/`),
    'at the end of the path': (byte) => get().replace('/models?', `/models${byte}?`),
    'at the end of the target': (byte) => get().replace(' HTTP', `${byte} HTTP`),
    'inside the version': (byte) => get().replace('HTTP/1.1', `HTTP/1${byte}.1`),
    'behind the version': (byte) => get().replace('HTTP/1.1', `HTTP/1.1${byte}`),
    'before Host': (byte) => `${GET}${byte}${HOST}\r\n`,
    'in the name of Host': (byte) => `${GET}Host${byte}: localhost\r\n\r\n`,
    'before the host': (byte) => `${GET}Host: ${byte}localhost\r\n\r\n`,
    'behind the host': (byte) => `${GET}Host: localhost${byte}\r\n\r\n`,
    'between two hosts': (byte) => `${GET}Host: localhost${byte}elsewhere.example\r\n\r\n`,
    'before the port': (byte) => `${GET}Host: localhost:${byte}80\r\n\r\n`,
    'before the end of the head': (byte) => `${GET}${HOST}${byte}\r\n`,
    'in a credential': (byte) => get(`X-Api-Key: a${byte}b\r\n`),
  };
  for (const [place, bytes] of Object.entries(places)) for (const byte of BYTES) yield { name: `${shown(byte)} ${place}`, bytes: bytes(byte) };
}

/** Two framing fields, each as its own reader likes it. */
function* doubles(): Generator<RequestVariant> {
  const lines = [
    CL, `content-length: ${BODY.length}\r\n`, 'Content-Length: 0\r\n', 'Content-Length: 5\r\n', `Content-Length: ${BODY.length}, ${BODY.length}\r\n`, `Content-Length:${BODY.length}\r\n`, `Content-Length: +${BODY.length}\r\n`,
    'Content-Length: \r\n', `X-Content-Length: ${BODY.length}\r\n`, TE, 'transfer-encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'Transfer-Encoding: chunked, identity\r\n', 'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding: x\r\n', 'Transfer-Encoding:\r\n chunked\r\n', 'Transfer-Encoding:\r\n', 'Content-Encoding: chunked\r\n', 'TE: chunked\r\n', 'Upgrade: h2c\r\nConnection: upgrade\r\n', 'Expect: 100-continue\r\n',
    'Connection: content-length\r\n', 'Connection: transfer-encoding\r\n', 'Connection: close\r\n', 'Trailer: content-length\r\n',
  ];
  for (const one of lines) {
    for (const other of lines) {
      yield { name: `${shown(one)} and ${shown(other)}`, bytes: post(one + other, BODY) };
      yield { name: `${shown(one)} and ${shown(other)}, chunked body`, bytes: post(one + other, chunked(BODY)) };
    }
  }
}

/** Every line of a head ended in every way that a reader took for an end. */
function* lineEnds(): Generator<RequestVariant> {
  const ends = ['\n', '\r', '\r\r\n', '\n\r', '\n\n', '\r\n\n', ' \r\n', '\t\r\n', '\r\n ', '\r\n\t', '\0\r\n', '\x0b', '\x0c', '\x85', '\r\n\r', ''];
  const heads: Readonly<Record<string, string>> = { 'a length': post(CL, BODY), 'chunks': post(TE, chunked(BODY)), 'no body': get('Accept: x\r\n') };
  for (const [name, whole] of Object.entries(heads)) {
    const pieces = whole.split('\r\n');
    for (let at = 0; at < pieces.length - 1; at += 1) {
      for (const end of ends) yield { name: `${shown(end)} ends line ${at} of a request with ${name}`, bytes: pieces.map((piece, index) => (index === pieces.length - 1 ? piece : piece + (index === at ? end : '\r\n'))).join('') };
    }
  }
}

/** Targets in each form, with each method and version. */
function* requestLines(): Generator<RequestVariant> {
  const methods = ['GET', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', 'G3T', ''];
  const targets = ['/anthropic/v1/models?case={id}', '//anthropic/v1/models?case={id}', 'http://localhost/anthropic/v1/models?case={id}', 'http://elsewhere.example/anthropic/v1/models?case={id}', '*', 'localhost:80', '?case={id}', '#', '\\anthropic\\v1\\models?case={id}', ''];
  const versions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTP/1,1', 'HTTP/11', 'HTTPS/1.1', ''];
  for (const method of methods) {
    for (const target of targets) {
      for (const version of versions) yield { name: `request line ${shown(`${method} ${target} ${version}`)}`, bytes: `${method} ${target} ${version}\r\n${HOST}\r\n` };
    }
  }
}

/** Whole requests inside and behind others. */
function* nested(): Generator<RequestVariant> {
  const carriers: Readonly<Record<string, string>> = {
    'the body of a GET with a length': get(`Content-Length: ${SMUGGLED.length}\r\n`) + SMUGGLED,
    'the chunked body of a GET': get(TE) + chunked(SMUGGLED),
    'the body of a HEAD': get(`Content-Length: ${SMUGGLED.length}\r\n`).replace('GET', 'HEAD') + SMUGGLED,
    'the body of a refused method': get(`Content-Length: ${SMUGGLED.length}\r\n`).replace('GET', 'PUT') + SMUGGLED,
    'the body of an unknown path': get(`Content-Length: ${SMUGGLED.length}\r\n`).replace('/models', '/nothing') + SMUGGLED,
    'the body of an upgrade': get('Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n') + SMUGGLED,
    'the body of an expectation': post(`Content-Length: ${SMUGGLED.length}\r\nExpect: 100-continue\r\n`, SMUGGLED),
    'the body of a refused expectation': post(`Content-Length: ${SMUGGLED.length}\r\nExpect: x\r\n`, SMUGGLED),
    'what follows a body of nothing': post('Content-Length: 0\r\n', BEHIND),
    'what follows HTTP/1.0': get().replace('HTTP/1.1', 'HTTP/1.0') + BEHIND,
    'what follows connection: close': get('Connection: close\r\n') + BEHIND,
    'what follows a whole request': get() + BEHIND,
    'what follows a refused head': get('Bad Field: x\r\n') + BEHIND,
    'a field': get(`Accept: ${SMUGGLED.replaceAll('\r\n', ' ')}\r\n`),
    'what follows a body whose type is not JSON': post(CL, BODY).replace('application/json', 'message/http') + BEHIND,
  };
  for (const [name, bytes] of Object.entries(carriers)) yield { name: `a request as ${name}`, bytes };
}

/** Every variant, in a fixed order. */
export const REQUEST_VARIANTS: readonly RequestVariant[] = [...framingBytes(), ...lengthBytes(), ...chunkBytes(), ...headBytes(), ...doubles(), ...lineEnds(), ...requestLines(), ...nested()];
