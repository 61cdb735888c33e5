import { Buffer } from 'node:buffer';

/** Bytes that are sent as a beginning, one block over and over, and an end. */
export interface RepeatedBytes {
  readonly first: Buffer;
  readonly block: Buffer;
  readonly times: number;
  readonly last: Buffer;
}

const BLOCK_BYTES = 65_536;

/** About `bytes` of `unit`, whole units only. */
export function repeatBytes(first: string, unit: string, last: string, bytes: number): RepeatedBytes {
  const units = Math.max(1, Math.floor(BLOCK_BYTES / Buffer.byteLength(unit)));
  const block = Buffer.from(unit.repeat(units));
  return { first: Buffer.from(first), block, times: Math.max(1, Math.floor((bytes - first.length - last.length) / block.length)), last: Buffer.from(last) };
}

/** Its length. */
export function lengthOf({ first, block, times, last }: RepeatedBytes): number {
  return first.length + block.length * times + last.length;
}

/** All of it as one buffer. */
export function joinBytes({ first, block, times, last }: RepeatedBytes): Buffer {
  return Buffer.concat([first, ...Array.from({ length: times }, () => block), last]);
}

/** The same bytes as the chunks of a chunked body (RFC 9112 section 7.1), each of `chunkBytes`. */
export function inChunksOf(chunkBytes: number, { first, block, times, last }: RepeatedBytes): RepeatedBytes {
  const frame = (bytes: Buffer): Buffer => {
    const framed: Buffer[] = [];
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      const piece = bytes.subarray(offset, offset + chunkBytes);
      framed.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
    }
    return Buffer.concat(framed);
  };
  const framed = frame(block);
  return { first: frame(first), block: framed, times, last: Buffer.concat([frame(last), Buffer.from('0\r\n\r\n')]) };
}

/** The first part of the bytes, up to about `bytes`: as many whole blocks as that. */
export function cutTo(bytes: number, repeated: RepeatedBytes): RepeatedBytes {
  return { ...repeated, times: Math.max(1, Math.min(repeated.times, Math.floor(bytes / repeated.block.length))) };
}

/** A kind of text that is much work for its size. */
export interface CostlyText {
  readonly first: string;
  readonly unit: string;
  readonly last: string;
}

/** JSON and what only begins as JSON; each is the value of a member, or stands in its place. */
export const COSTLY_VALUES: Readonly<Record<string, CostlyText>> = {
  'plain text': { first: '"', unit: 'plain words of a prompt, ', last: '"' },
  'escaped quotes': { first: '"', unit: '\\"', last: '"' },
  'escaped characters': { first: '"', unit: '\\u20ac', last: '"' },
  'numbers without a comma': { first: '', unit: '1e999 ', last: '' },
  'digits without an end': { first: '', unit: '0', last: '' },
  'one number': { first: '1', unit: '1234567890', last: '' },
  'many numbers': { first: '[0', unit: ',12345678901234567890', last: ']' },
  'short numbers': { first: '[0', unit: ',1', last: ']' },
  'long fractions': { first: '[0', unit: ',-1.2345678901234567890123e-10', last: ']' },
  'open arrays': { first: '', unit: '[', last: '' },
  'open objects': { first: '', unit: '{"a":', last: '' },
  'small objects': { first: '[0', unit: ',{"a":{}}', last: ']' },
  'empty strings': { first: '[""', unit: ',""', last: ']' },
  'members': { first: '{"a":1', unit: ',"b":1', last: '}' },
  'space': { first: '', unit: ' \n\t', last: '0' },
  'quotes without an end': { first: '', unit: '"', last: '' },
  'bytes that are no text': { first: '"', unit: '\u{10ffff}', last: '"' },
};

/** Streams of events that are much work for their size. */
export const COSTLY_STREAMS: Readonly<Record<string, CostlyText>> = {
  'one event that never ends': { first: 'event: message_start\ndata: "', unit: 'text of an event ', last: '' },
  'one data line after the other': { first: 'event: message_start\n', unit: 'data\n', last: '\n' },
  'empty events': { first: '', unit: '\n', last: '' },
  'tiny events': { first: '', unit: 'data:{}\n\n', last: '' },
  'tiny events of a chosen name': { first: '', unit: 'event: message_delta\ndata: {"usage":{"output_tokens":1}}\n\n', last: '' },
  'text of a message': { first: '', unit: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}\n\n', last: '' },
  'comments': { first: '', unit: ':\n', last: '' },
  'fields without an end': { first: '', unit: 'event: message_start\n', last: '\n' },
  'carriage returns': { first: '', unit: 'data: 1\r\r', last: '' },
};
