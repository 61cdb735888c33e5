/** One request as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  /** The request target as sent, query string included. */
  readonly url: string;
  /** The path of `url`, without the query string. */
  readonly path: string;
  /** Names and values in wire order, case kept. */
  readonly rawHeaders: readonly string[];
  /** The same by lower-case name; values of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's bytes as they arrived, before any decoding; cut at `maxRecordedBodyBytes`. */
  readonly body: Buffer;
  /** The body as JSON; `undefined` where it is none, is content-coded or was cut. */
  readonly json: unknown;
  /** How many body bytes arrived in all. */
  readonly bodyBytes: number;
  /** Whether the whole body arrived. */
  readonly isComplete: boolean;
  /** The `request-id` that the answer carries. */
  readonly requestId: string;
}

/** Keeps the last requests, and no more than so many bytes of each. */
export interface RequestLog {
  readonly requests: readonly RecordedRequest[];
  add(request: Omit<RecordedRequest, 'body' | 'headers' | 'json'>, chunks: readonly Uint8Array[]): void;
  clear(): void;
}

/** Creates an empty log. */
export function createRequestLog(maxRequests: number, maxBodyBytes: number): RequestLog {
  const requests: RecordedRequest[] = [];
  return {
    requests,
    add: (request, chunks) => {
      if (maxRequests === 0) return;
      requests.push(describe(request, concatUpTo(chunks, maxBodyBytes)));
      if (requests.length > maxRequests) requests.shift();
    },
    clear: () => { requests.length = 0; },
  };
}

/** Both are made when they are looked at: most requests never are. */
function describe(request: Omit<RecordedRequest, 'body' | 'headers' | 'json'>, body: Buffer): RecordedRequest {
  return {
    ...request, body,
    get headers() {
      const headers: Record<string, string> = {};
      for (let index = 0; index < request.rawHeaders.length; index += 2) {
        const name = (request.rawHeaders[index] ?? '').toLowerCase();
        const value = request.rawHeaders[index + 1] ?? '';
        headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
      }
      return headers;
    },
    get json() {
      try {
        return JSON.parse(body.toString()) as unknown;
      } catch {
        return undefined;
      }
    },
  };
}

function concatUpTo(chunks: readonly Uint8Array[], maxBytes: number): Buffer {
  const kept: Uint8Array[] = [];
  let room = maxBytes;
  for (const chunk of chunks) {
    if (room <= 0) break;
    kept.push(chunk.subarray(0, room));
    room -= chunk.length;
  }
  return Buffer.concat(kept);
}
