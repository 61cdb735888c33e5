const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;

/** Callbacks of a reader for the messages of one connection. */
export interface HttpMessageListener {
  /** Called with each piece of body, framing removed; the bytes are valid during the call only. */
  onBody?(piece: Buffer): void;
  /** Called once a message is whole, with its head as latin1. */
  onMessage(head: string): void;
}

/**
 * Finds where HTTP/1.1 messages end, and nothing else: a body is counted, chunked, or absent. It trusts its peer, so that it
 * costs less than whatever is measured between two of them.
 */
export class HttpReader {
  readonly #listener: HttpMessageListener;
  /** Bytes of a head that is not whole. */
  #pending: Buffer | undefined;
  #head = '';
  /** Bytes of the counted body, or of the present chunk and its CRLF, that are still to come. */
  #rest = 0;
  #state: 'head' | 'counted' | 'size' | 'chunk' | 'last' = 'head';
  #sizeText = '';

  constructor(listener: HttpMessageListener) {
    this.#listener = listener;
  }

  push(bytes: Buffer): void {
    let chunk = bytes;
    while (chunk.length > 0) {
      switch (this.#state) {
        case 'head': chunk = this.#readHead(chunk); break;
        case 'counted': chunk = this.#readCounted(chunk); break;
        case 'chunk': chunk = this.#readChunk(chunk); break;
        default: chunk = this.#readSize(chunk);
      }
    }
  }

  #readHead(chunk: Buffer): Buffer {
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) {
      this.#pending = Buffer.from(bytes);
      return bytes.subarray(bytes.length);
    }
    this.#pending = undefined;
    this.#head = bytes.toString('latin1', 0, end);
    const length = LENGTH.exec(this.#head)?.[1];
    if (length !== undefined && length !== '0') {
      this.#rest = Number(length);
      this.#state = 'counted';
    } else if (length === undefined && CHUNKED.test(this.#head)) {
      this.#state = 'size';
    } else {
      this.#listener.onMessage(this.#head);
    }
    return bytes.subarray(end + 4);
  }

  #readCounted(chunk: Buffer): Buffer {
    const piece = chunk.length <= this.#rest ? chunk : chunk.subarray(0, this.#rest);
    this.#rest -= piece.length;
    this.#listener.onBody?.(piece);
    if (this.#rest === 0) this.#finish();
    return chunk.subarray(piece.length);
  }

  /** A chunk's size line, or the empty line after the last chunk. */
  #readSize(chunk: Buffer): Buffer {
    const end = chunk.indexOf(10);
    if (end === -1) {
      this.#sizeText += chunk.toString('latin1');
      return chunk.subarray(chunk.length);
    }
    const line = (this.#sizeText + chunk.toString('latin1', 0, end)).trim();
    this.#sizeText = '';
    if (this.#state === 'last') {
      if (line === '') this.#finish();
    } else {
      const size = Number.parseInt(line, 16);
      this.#rest = size + 2;
      this.#state = size === 0 ? 'last' : 'chunk';
    }
    return chunk.subarray(end + 1);
  }

  #readChunk(chunk: Buffer): Buffer {
    const taken = Math.min(chunk.length, this.#rest);
    const bodyBytes = Math.min(taken, this.#rest - 2);
    if (bodyBytes > 0) this.#listener.onBody?.(chunk.subarray(0, bodyBytes));
    this.#rest -= taken;
    if (this.#rest === 0) this.#state = 'size';
    return chunk.subarray(taken);
  }

  #finish(): void {
    this.#state = 'head';
    this.#listener.onMessage(this.#head);
  }
}
