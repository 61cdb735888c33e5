import type { ReplyContent } from '../programmed-answers.ts';

/** One request as the routes see it: parsed line, headers and the whole body. */
export interface Exchange {
  readonly method: string;
  /** The path as it was sent, without the query string; percent-encoding is kept. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names and values in wire order. */
  readonly rawHeaders: readonly string[];
  /** The body after its `content-encoding` was removed. */
  readonly body: Uint8Array;
  /** The `request-id` of the answer. */
  readonly requestId: string;
  /** What a programmed answer says; absent: the scenario decides. */
  readonly reply?: ReplyContent | undefined;
  /** Aborts when the client's connection closes or the simulator stops. */
  readonly signal: AbortSignal;
}

/** The values of one request header joined with `, ` (RFC 9110 section 5.3), or `undefined` when it was not sent. */
export function headerOf(exchange: Pick<Exchange, 'rawHeaders'>, name: string): string | undefined {
  const values: string[] = [];
  for (let index = 0; index < exchange.rawHeaders.length; index += 2) {
    if (exchange.rawHeaders[index]?.toLowerCase() === name) values.push(exchange.rawHeaders[index + 1] ?? '');
  }
  return values.length === 0 ? undefined : values.join(', ');
}
