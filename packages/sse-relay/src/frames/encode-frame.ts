import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

/** Two lengths and their checksum, each 4 bytes, big-endian. */
export const PRELUDE_BYTES = 12;
/** A frame without headers and payload: a prelude and the checksum of the frame. */
export const LEAST_FRAME_BYTES = 16;

const STRING_TYPE = 7;

/**
 * Encodes one frame of the AWS event stream encoding. All headers are strings: names of 1 to 255 bytes, values of at most 65535. Throws a
 * `RangeError` for longer ones.
 */
export function encodeFrame(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const encoded = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)));
  const frame = Buffer.alloc(LEAST_FRAME_BYTES + encoded.length + payload.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(encoded.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(encoded, PRELUDE_BYTES);
  frame.set(payload, PRELUDE_BYTES + encoded.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, frame.length - 4)), frame.length - 4);
  return frame;
}

/**
 * Encodes the frame of an exception, such as `internalServerException` of Amazon Bedrock, that a client throws when it reads it
 * (https://smithy.io/2.0/aws/amazon-eventstream.html). The last frame of a stream that broke.
 */
export function encodeExceptionFrame(exceptionType: string, message: string): Buffer {
  const headers = { ':message-type': 'exception', ':exception-type': exceptionType, ':content-type': 'application/json' };
  return encodeFrame(headers, Buffer.from(JSON.stringify({ message })));
}

function encodeHeader(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  if (nameBytes.length === 0 || nameBytes.length > 0xff || valueBytes.length > 0xffff) throw new RangeError('a header of a frame has a name of 1 to 255 and a value of at most 65535 bytes');
  const lengths = Buffer.from([STRING_TYPE, valueBytes.length >> 8, valueBytes.length & 0xff]);
  return Buffer.concat([Buffer.of(nameBytes.length), nameBytes, lengths, valueBytes]);
}
