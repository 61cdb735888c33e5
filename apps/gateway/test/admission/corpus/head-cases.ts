import { BODY, cases, get, HOST, JSON_TYPE, MESSAGES, MODELS, post, type RequestCase } from './request-case.ts';

const CL = `Content-Length: ${BODY.length}\r\n`;
const line = (text: string): string => `${text}\r\n${HOST}\r\n`;
const long = (length: number): string => 'a'.repeat(length);

const REQUEST_LINES = cases('refuse_or_close', 'request line', {
  'HTTP/0.9': `GET ${MODELS}\r\n\r\n`,
  'HTTP/0.9 with fields': `GET ${MODELS}\r\n${HOST}\r\n`,
  'HTTP/0.9 written out': line(`GET ${MODELS} HTTP/0.9`),
  'HTTP/1.2': line(`GET ${MODELS} HTTP/1.2`),
  'HTTP/2.0': line(`GET ${MODELS} HTTP/2.0`),
  'HTTP/3.0': line(`GET ${MODELS} HTTP/3.0`),
  'HTTP/1': line(`GET ${MODELS} HTTP/1`),
  'HTTP/1.10': line(`GET ${MODELS} HTTP/1.10`),
  'HTTP/01.1': line(`GET ${MODELS} HTTP/01.1`),
  'http/1.1': line(`GET ${MODELS} http/1.1`),
  'HTTP /1.1': line(`GET ${MODELS} HTTP /1.1`),
  'HTTP/1.1 and more': line(`GET ${MODELS} HTTP/1.1 x`),
  'no version number': line(`GET ${MODELS} HTTP/`),
  'HTTPS/1.1': line(`GET ${MODELS} HTTPS/1.1`),
  'ICE/1.0': line(`SOURCE ${MODELS} ICE/1.0`),
  'RTSP/1.0': line(`OPTIONS ${MODELS} RTSP/1.0`),
  'preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'tabs for blanks': line(`GET\t${MODELS}\tHTTP/1.1`),
  'blank in the target': line('GET /anthropic/v1/models?case={id}&a b HTTP/1.1'),
  'tab in the target': line('GET /anthropic/v1/models?case={id}\tx HTTP/1.1'),
  'blank before the method': line(` GET ${MODELS} HTTP/1.1`),
  'method in lower case': line(`get ${MODELS} HTTP/1.1`),
  'unknown method': line(`FETCH ${MODELS} HTTP/1.1`),
  'method with a NUL': line(`GE\0T ${MODELS} HTTP/1.1`),
  'line ended by LF': `GET ${MODELS} HTTP/1.1\n${HOST}\r\n`,
  'line ended by CR': `GET ${MODELS} HTTP/1.1\r${HOST}\r\n`,
  'absolute form': line('GET http://localhost/anthropic/v1/models?case={id} HTTP/1.1'),
  'absolute form of another host': line('GET http://elsewhere.example/anthropic/v1/models?case={id} HTTP/1.1'),
  'absolute form of https': line('GET https://localhost/anthropic/v1/models?case={id} HTTP/1.1'),
  'absolute form with user': line('GET http://localhost@elsewhere.example/anthropic/v1/models?case={id} HTTP/1.1'),
  'authority form': line('GET localhost:80 HTTP/1.1'),
  'CONNECT': line('CONNECT localhost:80 HTTP/1.1'),
  'asterisk form': line('OPTIONS * HTTP/1.1'),
  'no target': line('GET  HTTP/1.1'),
  'target of a name': line('GET anthropic/v1/models HTTP/1.1'),
  'target of a query': line('GET ?case={id} HTTP/1.1'),
  'TLS ClientHello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'nothing but noise': '\xff\xfe\xfd\xfc\r\n\r\n',
});

const METHODS = cases('refuse', 'method', Object.fromEntries(
  ['OPTIONS', 'TRACE', 'PUT', 'PATCH', 'PROPFIND', 'PURGE', 'QUERY'].map((method) => [method, get('', MODELS, method)]),
), { status: 405 });

const FIELD_SYNTAX = cases('refuse', 'field syntax', {
  'blank before the colon': get('Accept : x\r\n'),
  'tab before the colon': get('Accept\t: x\r\n'),
  'no colon': get('nonsense\r\n'),
  'empty name': get(': value\r\n'),
  'blank in the name': get('Ac cept: x\r\n'),
  'name in quotes': get('"Accept": x\r\n'),
  'name with a slash': get('Ac/cept: x\r\n'),
  'name with an 8-bit character': get('Acc\xe9pt: x\r\n'),
  'name with a NUL': get('Acc\0ept: x\r\n'),
  'first field folded': `GET ${MODELS} HTTP/1.1\r\n ${HOST}\r\n`,
  'folded value': get('Accept: a\r\n b\r\n'),
  'folded by a tab': get('Accept: a\r\n\tb\r\n'),
  'folded with nothing': get('Accept: a\r\n \r\n'),
  'bare LF between fields': `GET ${MODELS} HTTP/1.1\r\n${HOST}Accept: a\nX: y\r\n\r\n`,
  'bare CR in a value': get('Accept: a\rb\r\n'),
  'CR CR LF': get('Accept: a\r\r\n'),
  'LF CR': `GET ${MODELS} HTTP/1.1\r\n${HOST}Accept: a\n\r\r\n\r\n`,
  'NUL in a value': get('Accept: a\0b\r\n'),
  'control character in a value': get('Accept: a\x01b\r\n'),
  'DEL in a value': get('Accept: a\x7fb\r\n'),
  'head ended by two LF': `GET ${MODELS} HTTP/1.1\n${HOST.replace('\r', '')}\n`,
});

const SIZES = [
  ...cases('refuse', 'size', {
    'one field of 17 KB': get(`anthropic-x: ${long(17_000)}\r\n`),
    'many fields of 20 KB together': get(Array.from({ length: 80 }, (_, index) => `anthropic-x${index}: ${long(250)}\r\n`).join('')),
    'a name of 17 KB': get(`${long(17_000)}: x\r\n`),
    'a target of 17 KB': get('', `${MODELS}&${long(17_000)}`),
    '150 fields': get(Array.from({ length: 150 }, (_, index) => `anthropic-x${index}: y\r\n`).join('')),
    '101 fields': get(Array.from({ length: 101 }, (_, index) => `anthropic-x${index}: y\r\n`).join('')),
  }, { status: 431 }),
  ...cases('forward', 'size', {
    '90 fields': get(Array.from({ length: 90 }, (_, index) => `anthropic-x${index}: y\r\n`).join('')),
    'a field of 10 KB': get(`anthropic-x: ${long(10_000)}\r\n`),
    'a query of 10 KB': get('', `${MODELS}&${long(10_000)}`),
    'an empty value': get('anthropic-x:\r\n'),
    '8-bit characters in a value': get('anthropic-x: caf\xe9 \xff\r\n'),
    'a tab in a value': get('anthropic-x: a\tb\r\n'),
  }),
];

const HOSTS = [
  ...cases('refuse', 'host', {
    'none': `GET ${MODELS} HTTP/1.1\r\n\r\n`,
    'twice, unequal': `GET ${MODELS} HTTP/1.1\r\n${HOST}Host: elsewhere.example\r\n\r\n`,
    'twice, equal': `GET ${MODELS} HTTP/1.1\r\n${HOST}${HOST}\r\n`,
    'twice in other capitals': `GET ${MODELS} HTTP/1.1\r\n${HOST}HOST: localhost\r\n\r\n`,
    ...Object.fromEntries([
      '', ' ', 'a b', 'localhost/..', 'localhost,elsewhere', 'localhost elsewhere', 'user@localhost', 'localhost:', 'localhost:port', 'localhost:999999', 'localhost:80:80', 'http://localhost', '[::1', '::1', '[]', 'localhost\\x', 'local\thost', 'localhost?x', 'localhost#x', 'localh\xf6st', '-localhost',
    ].map((host) => [JSON.stringify(host), `GET ${MODELS} HTTP/1.1\r\nHost: ${host}\r\n\r\n`])),
    'none on HTTP/1.0': `GET ${MODELS} HTTP/1.0\r\n\r\n`,
  }),
  ...cases('refuse', 'host', Object.fromEntries(
    ['elsewhere.example', 'localhost.elsewhere.example', 'elsewhere.example.', 'localhost..', '10.0.0.1', '[::2]', '127.0.0.1.nip.example', 'api.anthropic.com', 'metadata.internal:80'].map((host) => [host, `GET ${MODELS} HTTP/1.1\r\nHost: ${host}\r\n\r\n`]),
  ), { status: 421 }),
  ...cases('forward', 'host', Object.fromEntries(
    ['localhost', 'LOCALHOST', 'localhost:8000', 'localhost.', 'localhost.:8000', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:8000'].map((host) => [host, `GET ${MODELS} HTTP/1.1\r\nHost: ${host}\r\n\r\n`]),
  )),
  ...cases('forward', 'version', {
    'HTTP/1.0': `POST ${MESSAGES} HTTP/1.0\r\n${HOST}${JSON_TYPE}${CL}\r\n${BODY}`,
    'HTTP/1.0 with keep-alive': `POST ${MESSAGES} HTTP/1.0\r\n${HOST}${JSON_TYPE}${CL}Connection: keep-alive\r\n\r\n${BODY}`,
  }),
];

const WITHOUT_HEAD = cases('refuse', 'body type', {
  'no content type': `POST ${MESSAGES} HTTP/1.1\r\n${HOST}${CL}\r\n${BODY}`,
  'unknown coding': post(`${CL}Content-Encoding: cow\r\n`, BODY),
  'two codings in one line': post(`${CL}Content-Encoding: gzip, gzip\r\n`, BODY),
  'two codings in two lines': post(`${CL}Content-Encoding: gzip\r\nContent-Encoding: br\r\n`, BODY),
}, { status: 415 });

/** Request lines, field syntax, sizes and Host (RFC 9112 sections 3 and 5, RFC 9110 section 7.2). */
export const HEAD_CASES: readonly RequestCase[] = [...REQUEST_LINES, ...METHODS, ...FIELD_SYNTAX, ...SIZES, ...HOSTS, ...WITHOUT_HEAD];
