import { Buffer } from 'node:buffer';
import { request as requestPlain, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as requestSecure, type Agent } from 'node:https';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { FETCH_TIMEOUT_MS } from '../token/renewed-value.ts';

/** Bytes of the longest answer of a token server of AWS that is read; one with keys has some 2,000. */
export const MAX_ANSWER_BYTES = 262_144;

/** A request as the clients of AWS's library give it to a handler (https://smithy.io/2.0/, `HttpRequest` of @smithy/types). */
interface AwsRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

interface AwsResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** Sends the requests of AWS's library, whose own handler reads answers of any length. Nothing of a redirect is followed. */
export class BoundedHandler {
  readonly metadata: { readonly handlerProtocol: string } = { handlerProtocol: 'http/1.1' };
  readonly #agent: Agent | undefined;

  constructor(agent: Agent | undefined) {
    this.#agent = agent;
  }

  async handle(request: AwsRequest): Promise<{ readonly response: AwsResponse }> {
    const message = await this.#send(request);
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, [value].flat().join(', ')]));
    return { response: { statusCode: message.statusCode ?? 0, headers, body: await readBounded(message) } };
  }

  /** The library may set options of its own handler, of which this one has none. */
  updateHttpClientConfig(): void {
    // As above.
  }

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  #send({ protocol, hostname, port, path, query, method, headers, body }: AwsRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), path: path + queryOf(query), method, headers, signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), ...(port === undefined ? {} : { port }) };
    const outbound = protocol === 'https:' ? requestSecure({ ...options, ...(this.#agent === undefined ? {} : { agent: this.#agent }) }, resolve) : requestPlain(options, resolve);
    outbound.on('error', reject).end(body);
    return promise;
  }
}

function queryOf(query: AwsRequest['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === null ? [escape(name)] : [value].flat().map((one) => `${escape(name)}=${escape(one)}`)));
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** RFC 3986: `encodeURIComponent` leaves five characters that signatures do not. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function readBounded(message: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new CloudCredentialError('invalid_value', `the token server gave more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
