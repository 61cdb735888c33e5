import { BODY, cases, chunked, HOST, post, SMUGGLED, type RequestCase } from './request-case.ts';

const TE = 'Transfer-Encoding: chunked\r\n';
const SIZE = BODY.length.toString(16);
const withSizeLine = (line: string): string => post(TE, `${line}\r\n${BODY}\r\n0\r\n\r\n`);

const ACCEPTED = cases('forward', 'chunks', {
  'extension is dropped': withSizeLine(`${SIZE};name=value`),
  'extension without value': withSizeLine(`${SIZE};name`),
  'quoted extension': withSizeLine(`${SIZE};name="value"`),
  'extension on the last chunk': post(TE, `${SIZE}\r\n${BODY}\r\n0;last=1\r\n\r\n`),
  'extension that looks like a size': withSizeLine(`${SIZE};5=5`),
  'leading zeros': withSizeLine(`000${SIZE}`),
  'size in capitals': post(TE, `A\r\n${BODY.slice(0, 10)}\r\nE\r\n${BODY.slice(10)}\r\n0\r\n\r\n`),
  'last chunk of several zeros': post(TE, `${SIZE}\r\n${BODY}\r\n0000\r\n\r\n`),
  'trailer': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nX-Checksum: 1\r\n\r\n`),
  'trailer with credentials': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nX-Api-Key: smuggled-{id}\r\nAuthorization: Bearer smuggled-{id}\r\nCookie: smuggled-{id}\r\n\r\n`),
  'trailer that was announced': post(`${TE}Trailer: X-Api-Key\r\n`, `${SIZE}\r\n${BODY}\r\n0\r\nX-Api-Key: smuggled-{id}\r\n\r\n`),
  'trailer named like a framing field of another message': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nHost: smuggled-{id}\r\n\r\n`),
}, { outboundBody: BODY });

const REFUSED = cases('refuse_or_close', 'chunks', {
  'size with 0x': withSizeLine(`0x${SIZE}`),
  'size with a sign': withSizeLine(`+${SIZE}`),
  'negative size': withSizeLine('-1'),
  'size with a blank before': withSizeLine(` ${SIZE}`),
  'size with a blank after': withSizeLine(`${SIZE} `),
  'size with a tab after': withSizeLine(`${SIZE}\t`),
  'size with a vertical tab': withSizeLine(`${SIZE}\x0b`),
  'size with a NUL': withSizeLine(`${SIZE}\0`),
  'size that is no number': withSizeLine('xyz'),
  'size of nothing': withSizeLine(''),
  'size with an underscore': withSizeLine('1_8'),
  'size in quotes': withSizeLine(`"${SIZE}"`),
  'size as a list': withSizeLine(`${SIZE},5`),
  'size beyond 64 bits': withSizeLine('FFFFFFFFFFFFFFFFF'),
  'size that wraps to the right value': withSizeLine(`1000000000000000${SIZE}`),
  'size line ended by LF': post(TE, `${SIZE}\n${BODY}\r\n0\r\n\r\n`),
  'size line ended by CR': post(TE, `${SIZE}\r${BODY}\r\n0\r\n\r\n`),
  'data ended by LF': post(TE, `${SIZE}\r\n${BODY}\n0\r\n\r\n`),
  'data not ended': post(TE, `${SIZE}\r\n${BODY}0\r\n\r\n`),
  'data longer than its size': post(TE, `5\r\n${BODY}\r\n0\r\n\r\n`),
  'data ended by two other bytes': post(TE, `${SIZE}\r\n${BODY}XX0\r\n\r\n`),
  'last chunk ended by LF': post(TE, `${SIZE}\r\n${BODY}\r\n0\n\n`),
  'TERM.EXT: extension ended by LF, then what looks like a chunk': post(TE, `2;a\nxx\r\n${SIZE}\r\n${BODY}\r\n0\r\n\r\n`),
  'EXT.TERM: extension with a CR inside': post(TE, `2;a\rxx\r\n${SIZE}\r\n${BODY}\r\n0\r\n\r\n`),
  'extension with CR CR LF': post(TE, `${SIZE};\r\r\n${BODY}\r\n0\r\n\r\n`),
  'extension with a NUL': withSizeLine(`${SIZE};a\0b`),
  'extension ended by LF hides a request': post(TE, `0;\n\r\n\r\n${SMUGGLED}`),
  'blank before the extension': withSizeLine(`${SIZE} ;a=b`),
  'extensions without bound': withSizeLine(`${SIZE};${'a'.repeat(20_000)}`),
  'content-length as trailer': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nContent-Length: 5\r\n\r\n`),
  'transfer-encoding as trailer': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`),
  'folded trailer': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nX-A: b\r\n c\r\n\r\n`),
  'trailer with a bare LF': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nX-A: b\nX-B: c\r\n\r\n`),
  'trailer without colon': post(TE, `${SIZE}\r\n${BODY}\r\n0\r\nnonsense\r\n\r\n`),
});

/** Chunks behind the end of a body are the next request, which came too early. */
const FOLLOWED = cases('forward', 'chunks', {
  'a smuggled request behind the last chunk': post(TE, `${chunked(BODY)}${SMUGGLED}`),
  'a second body behind the last chunk': post(TE, `${chunked(BODY)}${chunked(BODY)}`),
}, { pipelined: true }).map((one) => ({ ...one, verdict: 'refuse_or_close' as const }));

/** Uploads stream: what is wrong is found while the outbound request is under way, which must then never look complete. */
const UPLOADS = cases('refuse_or_close', 'upload chunks', {
  'bad size in the middle': `POST /anthropic/v1/files?waits={id} HTTP/1.1\r\n${HOST}${TE}\r\n4\r\nhalf\r\nzz\r\n`,
  'data longer than its size': `POST /anthropic/v1/files?waits={id} HTTP/1.1\r\n${HOST}${TE}\r\n4\r\nhalf and more\r\n0\r\n\r\n`,
  'size line ended by LF': `POST /anthropic/v1/files?waits={id} HTTP/1.1\r\n${HOST}${TE}\r\n4\r\nhalf\r\n4\nhalf\r\n0\r\n\r\n`,
});

/** What can be wrong inside the chunked coding (RFC 9112 section 7.1). */
export const CHUNK_CASES: readonly RequestCase[] = [...ACCEPTED, ...REFUSED, ...FOLLOWED, ...UPLOADS];
