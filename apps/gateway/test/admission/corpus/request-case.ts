/**
 * What must become of the bytes:
 * `forward`: exactly one well-framed outbound request, and its answer. `refuse`: an error of the gateway's own, nothing outbound.
 * `refuse_or_close`: where the connection may also end without a response. `wait`: the request is incomplete, nothing outbound.
 */
export type Verdict = 'forward' | 'refuse' | 'refuse_or_close' | 'wait';

/** One raw request and what must become of it. `{id}` stands for four digits that mark the case in the outbound bytes. */
export interface RequestCase {
  readonly name: string;
  readonly bytes: string;
  readonly verdict: Verdict;
  /** Status of a refusal. @defaultValue 400 */
  readonly status?: number;
  /** The body that must arrive upstream. */
  readonly outboundBody?: string;
  /** Tells where a second request on the same connection is part of the case. */
  readonly pipelined?: boolean;
}

export const HOST = 'Host: localhost\r\n';
export const JSON_TYPE = 'Content-Type: application/json\r\n';
/** A valid body of 24 bytes. */
export const BODY = '{"model":"m","n":"{id}"}';
/** A request that must never be seen upstream: it is part of another one's body, or came after an ambiguous one. */
export const SMUGGLED = 'GET /anthropic/v1/models?smuggled={id} HTTP/1.1\r\nHost: localhost\r\n\r\n';
export const MESSAGES = '/anthropic/v1/messages?case={id}';
export const MODELS = '/anthropic/v1/models?case={id}';

/** A head with its blank line, then whatever follows. */
export function post(fields: string, rest: string, line: string = `POST ${MESSAGES} HTTP/1.1`): string {
  return `${line}\r\n${HOST}${JSON_TYPE}${fields}\r\n${rest}`;
}

export function get(fields: string = '', target: string = MODELS, method: string = 'GET'): string {
  return `${method} ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
}

/** The chunked coding of a body, in pieces of `size` bytes. */
export function chunked(body: string, size: number = body.length): string {
  let text = '';
  for (let offset = 0; offset < body.length; offset += size) {
    const piece = body.slice(offset, offset + size);
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${text}0\r\n\r\n`;
}

/** Cases that share a verdict, from names and bytes. */
export function cases(verdict: Verdict, group: string, table: Readonly<Record<string, string>>, rest: Partial<RequestCase> = {}): RequestCase[] {
  return Object.entries(table).map(([name, bytes]) => ({ name: `${group}: ${name}`, bytes, verdict, ...rest }));
}
