import { Buffer } from 'node:buffer';

/** One frame of the AWS event stream encoding. Both parts are views: copy what must outlive the call that received them. */
export interface Frame {
  readonly payload: Uint8Array;
  /** The value of a string header such as `:event-type`; `undefined` if there is none, or if the headers before it cannot be read. */
  header(name: string): string | undefined;
}

const STRING_TYPE = 7;
/** Bytes of a header's value by its type; types 6 (bytes) and 7 (string) carry their length in two bytes. */
const VALUE_BYTES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];

/** A frame over the bytes between its prelude and its checksum. */
export class FrameView implements Frame {
  readonly #bytes: Buffer;
  readonly #headerBytes: number;

  constructor(bytes: Uint8Array, headerBytes: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#headerBytes = headerBytes;
  }

  get payload(): Uint8Array {
    return this.#bytes.subarray(this.#headerBytes);
  }

  header(name: string): string | undefined {
    const headers = this.#bytes.subarray(0, this.#headerBytes);
    let offset = 0;
    while (offset < headers.length) {
      const valueType = offset + 1 + (headers[offset] ?? 0);
      const type = headers[valueType] ?? -1;
      const fixed = VALUE_BYTES[type];
      if (fixed === undefined && valueType + 3 > headers.length) return undefined;
      const start = valueType + (fixed === undefined ? 3 : 1);
      const end = start + (fixed ?? headers.readUInt16BE(valueType + 1));
      if (type >= VALUE_BYTES.length || type < 0 || end > headers.length) return undefined;
      if (type === STRING_TYPE && headers.toString('utf8', offset + 1, valueType) === name) return headers.toString('utf8', start, end);
      offset = end;
    }
    return undefined;
  }
}
