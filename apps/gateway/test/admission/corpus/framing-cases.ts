import { BODY, cases, chunked, get, HOST, JSON_TYPE, MESSAGES, post, SMUGGLED, type RequestCase } from './request-case.ts';

const CL = `Content-Length: ${BODY.length}\r\n`;
const TE = 'Transfer-Encoding: chunked\r\n';
const bothLengths = (fields: string, body: string): string => post(fields, body);

/** Messages with one clear length. */
const WELL_FRAMED = cases('forward', 'framing', {
  'content-length': post(CL, BODY),
  'name in another case': post(`CONTENT-LENGTH: ${BODY.length}\r\n`, BODY),
  'chunked in one piece': post(TE, chunked(BODY)),
  'chunked in pieces of six bytes': post(TE, chunked(BODY, 6)),
  'chunked in capitals': post('Transfer-Encoding: CHUNKED\r\n', chunked(BODY)),
  'chunked with blanks after the colon': post('Transfer-Encoding:  \t chunked\r\n', chunked(BODY)),
  'an empty line before the request line': `\r\n${post(CL, BODY)}`,
}, { outboundBody: BODY });

/** The parser of Node 22 and 24 refuses a tab behind a length, which RFC 9110 section 5.5 allows. */
const TAKES_TABS = Number(process.versions.node.split('.')[0]) >= 26;
const BLANKS = cases(TAKES_TABS ? 'forward' : 'refuse', 'framing', {
  'content-length with blanks around its value': post(`Content-Length: \t ${BODY.length} \t\r\n`, BODY),
}, TAKES_TABS ? { outboundBody: BODY } : {});

/** The same body under two lengths: a parser that uses the other one reads a request of the attacker's. */
const TWO_LENGTHS = cases('refuse', 'two lengths', {
  'CL.TE, nothing left for the second reader': bothLengths(`Content-Length: 5\r\n${TE}`, `0\r\n\r\n${SMUGGLED}`),
  'CL.TE with a whole request behind': bothLengths(`Content-Length: ${5 + SMUGGLED.length}\r\n${TE}`, `0\r\n\r\n${SMUGGLED}`),
  'TE.CL': bothLengths(`${TE}Content-Length: 4\r\n`, `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`),
  'TE.0: chunked, and zero announced': bothLengths(`${TE}Content-Length: 0\r\n`, chunked(BODY)),
  'equal lengths in both': bothLengths(`${CL}${TE}`, chunked(BODY)),
  'TE identity with CL': bothLengths(`${CL}Transfer-Encoding: identity\r\n`, BODY),
  'TE of nothing with CL': bothLengths(`${CL}Transfer-Encoding:\r\n`, BODY),
  'CL twice, unequal': bothLengths(`Content-Length: 3\r\n${CL}`, BODY),
  'CL twice, equal': bothLengths(`${CL}${CL}`, BODY),
  'CL twice, the second in capitals': bothLengths(`${CL}CONTENT-LENGTH: ${BODY.length}\r\n`, BODY),
  'CL twice with fields between': bothLengths(`${CL}Accept: */*\r\nUser-Agent: x\r\nContent-Length: 0\r\n`, BODY),
  'CL as a list': bothLengths(`Content-Length: ${BODY.length}, ${BODY.length}\r\n`, BODY),
  'CL as a list of two values': bothLengths(`Content-Length: 3, ${BODY.length}\r\n`, BODY),
});

/** Transfer codings that some readers take for chunked and others do not. */
const TE_VARIANTS = cases('refuse', 'transfer coding', Object.fromEntries([
  'xchunked', 'chunkedx', 'x chunked', 'chunked x', '"chunked"', "'chunked'", 'chunked;q=1', 'chunked; foo=bar', ';chunked', 'gzip', 'deflate', 'compress', 'identity', 'cow',
  'gzip, chunked', 'chunked, gzip', 'chunked, identity', 'identity, chunked', 'chunked, chunked', 'chunked,', ', chunked', ',chunked', 'chunked\x0b', '\x0bchunked', 'chunked\x0c', '\x0cchunked', 'chu\tnked',
  'chunk', 'chunked\\', 'chunked%20', 'chunKed, cow', 'trailers', 'chunked\xa0', '\xa0chunked', '\xff', 'c\u0068unked\x85',
].map((coding) => [JSON.stringify(coding), post(`Transfer-Encoding: ${coding}\r\n`, chunked(BODY))])));

const TE_LINES = cases('refuse', 'transfer coding lines', {
  'twice': post(`${TE}${TE}`, chunked(BODY)),
  'chunked then identity': post(`${TE}Transfer-Encoding: identity\r\n`, chunked(BODY)),
  'identity then chunked': post(`Transfer-Encoding: identity\r\n${TE}`, chunked(BODY)),
  'chunked then an unknown one in capitals': post(`${TE}TRANSFER-ENCODING: x\r\n`, chunked(BODY)),
  'blank before the colon': post('Transfer-Encoding : chunked\r\n', chunked(BODY)),
  'tab before the colon': post('Transfer-Encoding\t: chunked\r\n', chunked(BODY)),
  'vertical tab before the colon': post('Transfer-Encoding\x0b: chunked\r\n', chunked(BODY)),
  'folded value': post('Transfer-Encoding:\r\n chunked\r\n', chunked(BODY)),
  'folded second line': post('Transfer-Encoding: chunked\r\n , identity\r\n', chunked(BODY)),
  'blank before the name': post(' Transfer-Encoding: chunked\r\n', chunked(BODY)),
  'behind a bare CR': post(`Accept: x\rTransfer-Encoding: chunked\r\n`, chunked(BODY)),
  'behind a bare LF': post(`${CL}Accept: x\nTransfer-Encoding: chunked\r\n`, BODY),
  'behind NUL': post(`Accept: x\0Transfer-Encoding: chunked\r\n${CL}`, BODY),
  'name with a NUL': post('Transfer-Encoding\0: chunked\r\n', chunked(BODY)),
  'on HTTP/1.0': `POST ${MESSAGES} HTTP/1.0\r\n${HOST}${JSON_TYPE}${TE}\r\n${chunked(BODY)}`,
  'on HTTP/1.0 with keep-alive': `POST ${MESSAGES} HTTP/1.0\r\n${HOST}${JSON_TYPE}${TE}Connection: keep-alive\r\n\r\n${chunked(BODY)}`,
});

/** Names that a sloppy reader takes for Transfer-Encoding; for us the body is empty, and an empty body is not JSON. */
const TE_LOOKALIKES = cases('refuse', 'name like Transfer-Encoding', Object.fromEntries([
  'Transfer_Encoding', 'X-Transfer-Encoding', 'Transfer-Encoding-', 'Transfer--Encoding', 'Transfer-EncodinG1', 'TransferEncoding', 'Transfer.Encoding', '!Transfer-Encoding',
].map((name) => [name, post(`${name}: chunked\r\n`, chunked(BODY))])));

const LENGTHS = cases('refuse', 'length', Object.fromEntries([
  '+24', '-24', '0x18', '24.0', '2e1', '24 ;', '24a', '2 4', '"24"', '024', '0000000000000000024', '00', '', ' ', 'NaN', 'Infinity', '18446744073709551640', '9'.repeat(40), '24\x0b', '\x0b24', '24\0', '24\x7f', '\xa024', '2_4', '２４'.replace(/./g, '?'), '24,', ',24',
].map((length) => [JSON.stringify(length), post(`Content-Length: ${length}\r\n`, BODY)])));

const LENGTH_LINES = cases('refuse', 'length lines', {
  'blank before the colon': post(`Content-Length : ${BODY.length}\r\n`, BODY),
  'blank before the name': post(` Content-Length: ${BODY.length}\r\n`, BODY),
  'folded value': post(`Content-Length:\r\n ${BODY.length}\r\n`, BODY),
  'a name with an underscore is no length, and the body a request of its own': post(`Content_Length: ${BODY.length}\r\n`, ''),
  '0.CL: GET with a length': get(`Content-Length: ${SMUGGLED.length}\r\n`) + SMUGGLED,
  'HEAD with a length': get('Content-Length: 5\r\n', undefined, 'HEAD') + 'hello',
  'GET with a chunked body': get(TE) + chunked(SMUGGLED),
});

const INCOMPLETE = cases('wait', 'incomplete', {
  'fewer bytes than announced': post(`Content-Length: ${BODY.length + 1}\r\n`, BODY),
  'no last chunk': post(TE, `${BODY.length.toString(16)}\r\n${BODY}\r\n`),
  'no end of the last chunk': post(TE, `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n`),
  'trailers without end': post(TE, `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\nX-Api-Key: smuggled-{id}\r\n`),
  'head without end': `POST ${MESSAGES} HTTP/1.1\r\n${HOST}${JSON_TYPE}${CL}`,
  'request line without end': `POST ${MESSAGES} HTTP/1.1`,
  'upload with fewer bytes than announced': `POST /anthropic/v1/files?waits={id} HTTP/1.1\r\n${HOST}Content-Length: 99\r\n\r\nhalf`,
  'upload without last chunk': `POST /anthropic/v1/files?waits={id} HTTP/1.1\r\n${HOST}${TE}\r\n4\r\nhalf\r\n`,
});

/** Bodies with two lengths, wrong lengths, or lengths that two readers read differently. */
export const FRAMING_CASES: readonly RequestCase[] = [
  ...WELL_FRAMED, ...BLANKS, ...TWO_LENGTHS, ...TE_VARIANTS, ...TE_LINES, ...TE_LOOKALIKES, ...LENGTHS, ...LENGTH_LINES, ...INCOMPLETE,
];
