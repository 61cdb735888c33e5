/**
 * Upstream responses that two readers may read differently, or that break, generated. `{id}` stands for four characters that mark the response, so
 * that one which reaches another request is found.
 */

/** How the upstream ends the connection behind the bytes. */
export type ResponseEnd = 'keep' | 'fin' | 'reset';

/** One raw response. A client must get its body whole, or see that it is broken, or get an error of the gateway's own. */
export interface ResponseVariant {
  readonly name: string;
  readonly bytes: string;
  readonly end: ResponseEnd;
  /** The body by the framing of the response. @defaultValue `RESPONSE_BODY` */
  readonly body?: string;
  /** Sent as soon as the head of the request is there; a body of megabytes is still on its way. */
  readonly isEarly?: true;
}

export const RESPONSE_BODY = '{"echo":"case={id}"}';
/** A response without a request. */
export const STRAY = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"echo":"stray"}';

const OK = 'HTTP/1.1 200 OK\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const CL = `Content-Length: ${RESPONSE_BODY.length}\r\n`;
const TE = 'Transfer-Encoding: chunked\r\n';
const hex = (text: string): string => text.length.toString(16);
const chunked = (body: string, trailers: string = ''): string => `${hex(body.slice(0, 7))}\r\n${body.slice(0, 7)}\r\n${hex(body.slice(7))}\r\n${body.slice(7)}\r\n0\r\n${trailers}\r\n`;
const whole = (fields: string, rest: string, line: string = OK): string => `${line}${JSON_TYPE}${fields}\r\n${rest}`;
const LENGTH = whole(CL, RESPONSE_BODY);
const CHUNKS = whole(TE, chunked(RESPONSE_BODY));
const CLOSE = whole('', RESPONSE_BODY);
const shown = (text: string): string => JSON.stringify(text);

const BYTES: readonly string[] = [
  ...Array.from({ length: 0x21 }, (_, code) => code), 0x22, 0x2b, 0x2c, 0x2d, 0x30, 0x3a, 0x3b, 0x41, 0x5f, 0x7f, 0x80, 0x9b, 0xa0, 0xff,
].map((code) => String.fromCodePoint(code));

const keep = (name: string, bytes: string): ResponseVariant => ({ name, bytes, end: 'keep' });

/** A byte too many at each place of a head and of the chunked coding. */
function* bytesTooMany(): Generator<ResponseVariant> {
  const places: Readonly<Record<string, (byte: string) => string>> = {
    'before the status line': (byte) => byte + LENGTH,
    'in the version': (byte) => LENGTH.replace('HTTP/1.1', `HTTP/1${byte}.1`),
    'before the status': (byte) => LENGTH.replace(' 200', ` ${byte}200`),
    'in the status': (byte) => LENGTH.replace('200', `20${byte}0`),
    'in the reason': (byte) => LENGTH.replace('OK', `O${byte}K`),
    'for the CR of the status line': (byte) => LENGTH.replace('OK\r', `OK${byte}`),
    'before a name': (byte) => whole(`${byte}${CL}`, RESPONSE_BODY),
    'behind the name of a length': (byte) => whole(CL.replace(':', `${byte}:`), RESPONSE_BODY),
    'before a length': (byte) => whole(CL.replace(': ', `: ${byte}`), RESPONSE_BODY),
    'behind a length': (byte) => whole(CL.replace('\r', `${byte}\r`), RESPONSE_BODY),
    'in the name of a coding': (byte) => whole(TE.replace('-', `-${byte}`), chunked(RESPONSE_BODY)),
    'behind the name of a coding': (byte) => whole(TE.replace(':', `${byte}:`), chunked(RESPONSE_BODY)),
    'before a coding': (byte) => whole(TE.replace(': ', `: ${byte}`), chunked(RESPONSE_BODY)),
    'behind a coding': (byte) => whole(TE.replace('\r', `${byte}\r`), chunked(RESPONSE_BODY)),
    'in a value': (byte) => whole(`X-A: a${byte}b\r\n${CL}`, RESPONSE_BODY),
    'in a name': (byte) => whole(`X-${byte}A: a\r\n${CL}`, RESPONSE_BODY),
    'before the end of the head': (byte) => LENGTH.replace('\r\n\r\n', `\r\n${byte}\r\n`),
    'before a size': (byte) => whole(TE, byte + chunked(RESPONSE_BODY)),
    'behind a size': (byte) => whole(TE, chunked(RESPONSE_BODY).replace('\r\n', `${byte}\r\n`)),
    'in an extension': (byte) => whole(TE, chunked(RESPONSE_BODY).replace('\r\n', `;a${byte}b\r\n`)),
    'for the CR of a size line': (byte) => whole(TE, chunked(RESPONSE_BODY).replace('\r', byte)),
    'before the last chunk': (byte) => whole(TE, chunked(RESPONSE_BODY).replace('\r\n0\r\n', `\r\n${byte}0\r\n`)),
    'before the end of the chunks': (byte) => whole(TE, chunked(RESPONSE_BODY, byte)),
  };
  for (const [place, bytes] of Object.entries(places)) for (const byte of BYTES) yield keep(`${shown(byte)} ${place}`, bytes(byte));
}

/** A response in each framing that ends at each of its bytes. */
function* cuts(): Generator<ResponseVariant> {
  for (const [framing, bytes] of Object.entries({ 'a length': LENGTH, 'chunks': CHUNKS, 'neither': CLOSE })) {
    for (let at = 0; at <= bytes.length; at += 1) {
      for (const end of ['fin', 'reset'] as const) yield { name: `${end} at byte ${at} of a response with ${framing}`, bytes: bytes.slice(0, at), end };
    }
  }
}

/** Every line of a head ended in every way that a reader took for an end. */
function* lineEnds(): Generator<ResponseVariant> {
  const ends = ['\n', '\r', '\r\r\n', '\n\r', '\n\n', '\r\n\n', ' \r\n', '\t\r\n', '\r\n ', '\r\n\t', '\0\r\n', '\x0b', '\x85', ''];
  for (const [framing, bytes] of Object.entries({ 'a length': LENGTH, 'chunks': CHUNKS })) {
    const pieces = bytes.split('\r\n');
    for (let at = 0; at < pieces.length - 1; at += 1) {
      for (const end of ends) {
        const variant = keep(`${shown(end)} ends line ${at} of a response with ${framing}`, pieces.map((piece, index) => (index === pieces.length - 1 ? piece : piece + (index === at ? end : '\r\n'))).join(''));
        // What follows the end of the head is the body, whatever it is.
        const isBody = pieces[at] === '' && framing === 'a length' && end.startsWith('\r\n');
        yield isBody ? { ...variant, body: (end.slice(2) + RESPONSE_BODY).slice(0, RESPONSE_BODY.length) } : variant;
      }
    }
  }
}

/** Two framing fields, and lengths that are none. */
function* doubles(): Generator<ResponseVariant> {
  const lines = [
    CL, CL.toLowerCase(), 'Content-Length: 0\r\n', `Content-Length: ${RESPONSE_BODY.length}, ${RESPONSE_BODY.length}\r\n`, 'Content-Length: -1\r\n', 'Content-Length: 18446744073709551636\r\n', 'Content-Length:\r\n', TE,
    'Transfer-Encoding: identity\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding: chunked, gzip\r\n', 'Transfer-Encoding: x\r\n', 'Transfer-Encoding:\r\n chunked\r\n', 'Content-Encoding: chunked\r\n',
    'Connection: close\r\n', 'Connection: content-length, content-type\r\n', 'Upgrade: h2c\r\nConnection: upgrade\r\n', 'Trailer: content-length\r\n', 'Keep-Alive: timeout=0\r\n',
  ];
  for (const one of lines) {
    for (const other of lines) {
      for (const [kind, text] of Object.entries({ plain: RESPONSE_BODY, chunked: chunked(RESPONSE_BODY) })) {
        // By one length and no coding, the bytes of a chunked body are the body; everything else is the body that was meant, or none.
        const length = [one, other].map((line) => /^content-length: (\d{1,3})\r\n$/i.exec(line)?.[1]).find((digits) => digits !== undefined);
        yield { name: `${shown(one)} and ${shown(other)}, ${kind} body`, bytes: whole(one + other, text), end: 'fin', ...(length === undefined ? {} : { body: text.slice(0, Number(length)) }) };
      }
    }
  }
}

/** Each status with a body, and with nothing where it may have none. */
function* statuses(): Generator<ResponseVariant> {
  const codes = ['000', '099', '100', '101', '102', '103', '199', '200', '201', '204', '205', '206', '226', '299', '300', '301', '302', '303', '304', '305', '307', '308', '399', '400', '401', '404', '407', '413', '418', '421', '429', '451', '499', '500', '503', '529', '599', '600', '999', '1000', '20', '2O0', '-200', ''];
  for (const code of codes) {
    yield keep(`status ${shown(code)} with a length`, whole(CL, RESPONSE_BODY, `HTTP/1.1 ${code} X\r\n`));
    yield keep(`status ${shown(code)} with chunks`, whole(TE, chunked(RESPONSE_BODY), `HTTP/1.1 ${code} X\r\n`));
    yield { name: `status ${shown(code)} that ends by close`, bytes: whole('', RESPONSE_BODY, `HTTP/1.1 ${code} X\r\n`), end: 'fin' };
    yield keep(`status ${shown(code)} before a response`, `HTTP/1.1 ${code} X\r\nX-A: b\r\n\r\n${LENGTH}`);
  }
  for (const version of ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'RTSP/1.0', 'ICY', 'http/1.1', '']) yield { name: `version ${shown(version)}`, bytes: LENGTH.replace('HTTP/1.1', version), end: 'fin' };
}

/** Informational responses without end, fields without end, trailers, and what stands behind a whole response. */
function* more(): Generator<ResponseVariant> {
  const field = (name: string, value: string): string => `${name}: ${value}\r\n`;
  for (const [status, count] of [[100, 1], [100, 1_000], [102, 1_000], [103, 1], [103, 1_000], [199, 50]] as const) yield keep(`${count} times ${status} before the response`, `HTTP/1.1 ${status} X\r\nLink: </a>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n`.repeat(count) + LENGTH);
  for (const count of [90, 300, 2_000]) yield keep(`${count} fields`, whole(Array.from({ length: count }, (_, index) => field(`x-${index}`, 'y')).join('') + CL, RESPONSE_BODY));
  for (const size of [10_000, 20_000, 200_000]) yield keep(`a field of ${size} bytes`, whole(field('x-long', 'a'.repeat(size)) + CL, RESPONSE_BODY));
  for (const trailer of ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Set-Cookie: a=b\r\n', 'X-Checksum: 1\r\n', 'nonsense\r\n', ' folded\r\n', 'X-A: b\n', 'Connection: close\r\n', 'X-Penstock-Error: forged\r\n', `X-Long: ${'a'.repeat(20_000)}\r\n`]) yield keep(`trailer ${shown(trailer.slice(0, 40))}`, whole(TE, chunked(RESPONSE_BODY, trailer)));
  for (const [index, extra] of ['\r\n', 'x', '{', '\0', 'HTTP/1.1', STRAY, STRAY.repeat(3), `HTTP/1.1 100 Continue\r\n\r\n${STRAY}`, '0\r\n\r\n'].entries()) {
    const name = `${shown(extra.slice(0, 40))} (${index})`;
    yield keep(`${name} behind a response with a length`, LENGTH + extra);
    yield keep(`${name} behind a response with chunks`, CHUNKS + extra);
    yield keep(`${name} behind a 304`, `HTTP/1.1 304 Not Modified\r\n${CL}\r\n${extra}`);
  }
  yield { name: 'a length that is too short', bytes: whole('Content-Length: 5\r\n', RESPONSE_BODY), end: 'keep', body: RESPONSE_BODY.slice(0, 5) };
  for (const name of ['Set-Cookie', 'X-Accel-Redirect', 'X-Accel-Buffering', 'X-Sendfile', 'X-Penstock-Error', 'X-Penstock-Request-Id', 'Strict-Transport-Security', 'Alt-Svc', 'NEL', 'Proxy-Authenticate', 'Access-Control-Allow-Origin', 'Keep-Alive', 'Content-Encoding', '__proto__', 'constructor']) yield keep(`a field ${name}`, whole(field(name, 'constructor') + CL, RESPONSE_BODY));
  for (const type of ['', 'constructor', '__proto__', 'text/event-stream', 'text/html', 'a'.repeat(9_000), 'application/json, text/html', '/', ';']) yield keep(`content type ${shown(type.slice(0, 40))}`, LENGTH.replace('application/json', type));
}

/** Answers that do not wait for the request's body. */
function* early(): Generator<ResponseVariant> {
  for (const [name, bytes] of Object.entries({ 'an answer': LENGTH, 'an answer in chunks': CHUNKS, 'a refusal': LENGTH.replace('200 OK', '413 X'), 'a redirect': LENGTH.replace('200 OK', '307 X'), 'half an answer': LENGTH.slice(0, -3), 'an answer and a stray': LENGTH + STRAY, 'nothing': '' })) {
    for (const end of ['fin', 'reset'] as const) yield { name: `${name} before the body of the request, then ${end}`, bytes, end, isEarly: true };
  }
}

/** Every variant, in a fixed order. */
export const RESPONSE_VARIANTS: readonly ResponseVariant[] = [...bytesTooMany(), ...cuts(), ...lineEnds(), ...doubles(), ...statuses(), ...more(), ...early()];
