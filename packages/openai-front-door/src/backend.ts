/** A flat list of header names and values, in wire order, as latin1 strings. */
export type RawHeaders = readonly string[];

/** What kind of answer is expected, so that the application can choose its clocks. */
export type ResponseKind = 'event-stream' | 'message' | 'quick' | 'opaque';

/** One outbound request. It carries no credential: the application adds its own inside `send`. */
export interface BackendRequest {
  readonly method: string;
  /** Path and query, beginning with `/v1/`. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly responseKind: ResponseKind;
  /** What the application calls the client, by its `client` hook; absent without one. */
  readonly client?: string | undefined;
  /** What the application passed for the request by its `tag` hook; absent without one. */
  readonly tag?: unknown;
  /** Which of several callers with that name asks, by the `caller` hook; absent without one. */
  readonly caller?: string | undefined;
}

/** The upstream's answer. `body` must throw when the upstream broke off, and when the request's signal is aborted while a read is pending. */
export interface BackendResponse {
  readonly status: number;
  readonly rawHeaders: RawHeaders;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends one request upstream; the application's port. It rejects when no response head came: an error with a `code` of the
 * `BACKEND_FAILURES` table is classified by it, a `FrontDoorError` is answered as it stands. `onSent` may be called, at the latest before the
 * promise settles, with the time (`performance.now()`) at which the upstream had the whole request.
 */
export type SendToBackend = (request: BackendRequest, signal: AbortSignal, onSent?: (at: number) => void) => Promise<BackendResponse>;

/** An origin that speaks Anthropic Messages; Chat Completions are translated for it. */
export interface AnthropicBackend {
  readonly kind: 'anthropic';
  readonly send: SendToBackend;
  /** The `anthropic-version` of every request. @defaultValue `2023-06-01` */
  readonly anthropicVersion?: string;
}

/** An origin that speaks OpenAI's protocol; everything is relayed to it unchanged. */
export interface OpenAiBackend {
  readonly kind: 'openai';
  readonly send: SendToBackend;
  /**
   * Which fields of an answer cross to the client; framing fields that it leaves are written as they stand.
   * @defaultValue everything but hop-by-hop fields, credentials, fields that speak for the origin's site, and commands to a reverse proxy
   */
  readonly forwardResponseHeaders?: (rawHeaders: RawHeaders) => readonly string[];
}

/** Where requests go. */
export type Backend = AnthropicBackend | OpenAiBackend;

/** The first value of a header field; names compare without case (RFC 9110 section 5.1). */
export function headerValue(rawHeaders: RawHeaders, name: string): string | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) return rawHeaders[index + 1];
  }
  return undefined;
}
