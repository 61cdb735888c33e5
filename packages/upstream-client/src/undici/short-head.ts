import { Buffer } from 'node:buffer';
import { channel, type Channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { disableShortcut, isDisabled } from './shortcuts.ts';
import { kParser } from './undici-parts.ts';

/** The head of a response that was read in one piece: all of its fields, and what undici's parser needs of it. */
export interface ShortHead {
  /** Names and values in turn, as they came, each a latin1 text. */
  readonly fields: string[];
  /** The status line and the fields that decide where the body ends and what becomes of the connection, as they came. */
  readonly short: Buffer;
  /** Where the body begins in what was read. */
  readonly bodyStart: number;
}

/** undici itself passes the fields of each head to the subscribers of this channel. */
export const headChannel: Channel = channel('undici:request:headers');

const kExpectsHead = Symbol('penstock expects head');

interface HeadSocket extends Socket {
  [kExpectsHead]?: boolean;
}

const CR = 13;
const LF = 10;
const SPACE = 32;
const COLON = 58;
const VERSION = Buffer.from('HTTP/1.1 ', 'latin1');
/** More fields than nearly every response has. */
const MAX_FIELDS = 128;

const IN_NAME = 1;
const IN_VALUE = 2;
const AT_VALUE_EDGE = 4;
const IN_REASON = 8;
/** What each byte may be part of (RFC 9110 sections 5.1 and 5.5, RFC 9112 section 4). A reason phrase with other bytes than ASCII is left to undici. */
const ROLES = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  const isVisible = (byte > SPACE && byte < 0x7f) || byte >= 0x80;
  if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte))) ROLES[byte] = IN_NAME;
  if (isVisible) ROLES[byte] = (ROLES[byte] as number) | IN_VALUE | AT_VALUE_EDGE;
  if (byte === SPACE || byte === 9) ROLES[byte] = IN_VALUE;
  if (byte >= SPACE && byte < 0x7f) ROLES[byte] = (ROLES[byte] as number) | IN_REASON;
}

/** By their length: the fields that llhttp or undici's parser reads. */
const FRAMING: Readonly<Record<number, readonly string[]>> = {
  7: ['upgrade'], 10: ['connection', 'keep-alive'], 14: ['content-length'], 16: ['proxy-connection'], 17: ['transfer-encoding'],
};

/** Where the name, the value and the end of each line are in the head that is being cut: one head at a time. */
const marks = new Uint32Array(3 * MAX_FIELDS);

/** The fields of the head whose short form undici's parser is given in this call. */
let taken: string[] | undefined;

/**
 * Says whether what is read next of `socket` is the beginning of the response to a request whose fields are read with `readRawHead`. Only such a head is
 * shortened, for undici does not get to know the other fields.
 */
export function expectHead(socket: Socket | undefined, isExpected: boolean): void {
  if (socket !== undefined) (socket as HeadSocket)[kExpectsHead] = isExpected;
}

/**
 * Cuts the head off `read`, the first bytes that came behind a request: undici's parser, which makes two buffers and two calls of each field, is to be given
 * the short form of it. Equivalent to giving it all; a twentieth less CPU time for a small request (docs/decisions/0020). `undefined` where the head is
 * not whole, is not the one that was expected, or has anything that only a parser should judge: then it gets all.
 */
export function shortenHead(socket: Socket, read: Buffer): ShortHead | undefined {
  if ((socket as HeadSocket)[kExpectsHead] !== true) return undefined;
  (socket as HeadSocket)[kExpectsHead] = false;
  if (isDisabled('short_head') || headChannel.hasSubscribers) return undefined;
  const parser = (socket as unknown as Record<symbol, { readonly headersMaxSize?: unknown } | null | undefined>)[kParser];
  if (parser === null || parser === undefined) return undefined;
  const limit = parser.headersMaxSize;
  if (typeof limit !== 'number') {
    disableShortcut('short_head', 'the parser of an undici socket has no `headersMaxSize`');
    return undefined;
  }
  const cut = cutHead(read, Math.min(read.length, limit));
  taken = cut?.fields;
  return cut;
}

/** All fields of the head that undici's parser has just reported, if it was given the short form; once. */
export function takeFields(): string[] | undefined {
  const fields = taken;
  taken = undefined;
  return fields;
}

/** Cuts the head off `read` if it ends before `limit` and is written as nearly all are. */
export function cutHead(read: Buffer, limit: number): ShortHead | undefined {
  const statusEnd = endOfStatusLine(read, limit);
  if (statusEnd === 0) return undefined;
  let count = 0;
  let at = statusEnd;
  while (at + 1 < limit && read[at] !== CR) {
    if (count === marks.length) return undefined;
    const nameStart = at;
    while (at < limit && ((ROLES[read[at] as number] as number) & IN_NAME) !== 0) at += 1;
    if (at === nameStart || at + 2 >= limit || read[at] !== COLON || read[at + 1] !== SPACE) return undefined;
    const valueStart = at + 2;
    at = valueStart;
    while (at < limit && ((ROLES[read[at] as number] as number) & IN_VALUE) !== 0) at += 1;
    if (at === valueStart || at + 1 >= limit || read[at] !== CR || read[at + 1] !== LF) return undefined;
    // A parser may cut white space at the edges of a value.
    if (((ROLES[read[valueStart] as number] as number) & (ROLES[read[at - 1] as number] as number) & AT_VALUE_EDGE) === 0) return undefined;
    marks[count] = nameStart;
    marks[count + 1] = valueStart;
    marks[count + 2] = at;
    count += 3;
    at += 2;
  }
  if (at + 1 >= limit || read[at] !== CR || read[at + 1] !== LF) return undefined;
  return split(read, statusEnd, at, count);
}

/** Where the line behind it begins; 0 for what is not the status line of a final HTTP/1.1 response with a reason phrase or the space for one. */
function endOfStatusLine(read: Buffer, limit: number): number {
  if (limit < 16) return 0;
  for (let index = 0; index < VERSION.length; index += 1) if (read[index] !== VERSION[index]) return 0;
  const [hundreds, tens, units] = [(read[9] as number) - 48, (read[10] as number) - 48, (read[11] as number) - 48];
  if (hundreds < 2 || hundreds > 5 || tens < 0 || tens > 9 || units < 0 || units > 9 || read[12] !== SPACE) return 0;
  let at = 13;
  while (at < limit && ((ROLES[read[at] as number] as number) & IN_REASON) !== 0) at += 1;
  return at + 1 < limit && read[at] === CR && read[at + 1] === LF ? at + 2 : 0;
}

function split(read: Buffer, statusEnd: number, end: number, count: number): ShortHead {
  const text = read.toString('latin1', 0, end + 2);
  const fields: string[] = [];
  let short = text.slice(0, statusEnd);
  for (let index = 0; index < count; index += 3) {
    const nameStart = marks[index] as number;
    const valueStart = marks[index + 1] as number;
    const valueEnd = marks[index + 2] as number;
    const name = text.slice(nameStart, valueStart - 2);
    fields.push(name, text.slice(valueStart, valueEnd));
    if (FRAMING[name.length]?.includes(name.toLowerCase()) === true) short += text.slice(nameStart, valueEnd + 2);
  }
  return { fields, short: Buffer.from(`${short}\r\n`, 'latin1'), bodyStart: end + 2 };
}
