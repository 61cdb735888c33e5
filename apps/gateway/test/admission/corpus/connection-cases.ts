import { BODY, cases, get, JSON_TYPE, MESSAGES, HOST, post, SMUGGLED, type RequestCase } from './request-case.ts';

const CL = `Content-Length: ${BODY.length}\r\n`;
const nominates = (names: string): string => post(`${CL}Connection: ${names}\r\nAnthropic-Version: 2023-06-01\r\n`, BODY);

const NOMINATIONS = cases('refuse', 'connection nominates', Object.fromEntries([
  'content-length', 'Content-Type', 'host', 'close, content-length', 'keep-alive, host', 'authorization', 'x-api-key', 'anthropic-version', 'anthropic-beta', 'cache-control', 'transfer-encoding', 'via', 'content-encoding',
].map((names) => [names, nominates(names)])));

const CROSSING = cases('forward', 'connection', {
  'close': nominates('close'),
  'keep-alive': nominates('keep-alive'),
  'nominates a private field': post(`${CL}Connection: x-private\r\nX-Private: smuggled-{id}\r\n`, BODY),
  'in two lines': post(`${CL}Connection: keep-alive\r\nConnection: x-private\r\nX-Private: smuggled-{id}\r\n`, BODY),
  'upgrade to h2c is not taken': post(`${CL}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`, BODY),
  'upgrade to websocket is not taken': post(`${CL}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: smuggled-{id}\r\n`, BODY),
  'upgrade without Connection': post(`${CL}Upgrade: h2c\r\n`, BODY),
  'TE': post(`${CL}TE: trailers\r\nConnection: TE\r\n`, BODY),
  'keep-alive parameters': post(`${CL}Keep-Alive: timeout=600, max=1000\r\nProxy-Connection: keep-alive\r\n`, BODY),
  'proxy authorization': post(`${CL}Proxy-Authorization: Basic smuggled-{id}\r\n`, BODY),
  'cookies': post(`${CL}Cookie: smuggled-{id}\r\nCookie2: smuggled-{id}\r\n`, BODY),
  'forwarding fields': post(`${CL}X-Forwarded-For: smuggled-{id}\r\nForwarded: for=smuggled-{id}\r\nX-Original-URL: /v1/organizations/smuggled-{id}\r\nX-Rewrite-URL: /smuggled-{id}\r\nX-HTTP-Method-Override: DELETE-smuggled-{id}\r\n`, BODY),
  'names with underscores': post(`${CL}X_Api_Key: smuggled-{id}\r\nContent_Type: smuggled-{id}\r\n`, BODY),
  'name of the prototype': post(`${CL}__proto__: smuggled-{id}\r\nconstructor: smuggled-{id}\r\n`, BODY),
  'client credentials': post(`${CL}X-Api-Key: smuggled-{id}\r\nAuthorization: Bearer smuggled-{id}\r\n`, BODY),
  'internal fields': post(`${CL}X-Penstock-Key: smuggled-{id}\r\nX-Penstock-Anything: smuggled-{id}\r\n`, BODY),
}, { outboundBody: BODY });

const SINGLETONS = cases('refuse', 'repeated field', Object.fromEntries([
  ['x-api-key', 'a'], ['authorization', 'Bearer a'], ['anthropic-version', '2023-06-01'], ['content-type', 'application/json'], ['idempotency-key', 'a'], ['origin', 'http://a.example'],
].map(([name, value]) => [name, post(`${CL}${name}: ${value}\r\n${name}: ${value}x\r\n`, BODY)])));

const REPEATS = cases('forward', 'repeated field', {
  'anthropic-beta stays two lines': post(`${CL}anthropic-beta: a\r\nanthropic-beta: b\r\n`, BODY),
  'accept': post(`${CL}accept: a\r\naccept: b\r\n`, BODY),
}, { outboundBody: BODY });

const EXPECTATIONS = [
  ...cases('refuse', 'expect', {
    'something else': post(`${CL}Expect: 200-ok\r\n`, BODY),
    'obfuscated by a prefix': post(`${CL}Expect: x 100-continue\r\n`, BODY),
    'obfuscated by a suffix': post(`${CL}Expect: 100-continue;x\r\n`, BODY),
    'a list': post(`${CL}Expect: 100-continue, 100-continue\r\n`, BODY),
    'two lines': post(`${CL}Expect: 100-continue\r\nExpect: 100-continue\r\n`, BODY),
    'with a y': post(`${CL}Expect: y 100-continue\r\n`, BODY),
    'empty': post(`${CL}Expect:\r\n`, BODY),
  }),
  ...cases('forward', 'expect', {
    '100-continue with the body at once': post(`${CL}Expect: 100-continue\r\n`, BODY),
    'in capitals': post(`${CL}Expect: 100-Continue\r\n`, BODY),
    'without a body': get('Expect: 100-continue\r\n'),
    'on HTTP/1.0 it means nothing': `POST ${MESSAGES} HTTP/1.0\r\n${HOST}${JSON_TYPE}${CL}Expect: 100-continue\r\n\r\n${BODY}`,
  }),
];

/** The second request of each comes before the first was answered; it must not run. */
const PIPELINED = cases('forward', 'pipelined', {
  'GET behind GET': get() + SMUGGLED,
  'GET behind POST': post(CL, BODY) + SMUGGLED,
  'POST behind GET': `${get()}POST /anthropic/v1/messages?smuggled={id} HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 2\r\n\r\n{}`,
  'ten behind one': get() + SMUGGLED.repeat(10),
  'an index request behind one': `${get()}GET / HTTP/1.1\r\n${HOST}\r\n`,
}, { pipelined: true });

const PIPELINED_BROKEN = [
  ...cases('refuse_or_close', 'pipelined', {
    'noise behind one': `${get()}\xff\xfe\r\n\r\n`,
    'a request behind CL.0': post('Content-Length: 0\r\n', SMUGGLED),
    'a request behind a refused one': `GET /anthropic/v1/../x HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`,
  }, { pipelined: true }),
];

/** Hop-by-hop fields, repeated fields, expectations and pipelining (RFC 9110 section 7.6.1, RFC 9112 section 9.3). */
export const CONNECTION_CASES: readonly RequestCase[] = [
  ...NOMINATIONS, ...CROSSING, ...SINGLETONS, ...REPEATS, ...EXPECTATIONS, ...PIPELINED, ...PIPELINED_BROKEN,
];
