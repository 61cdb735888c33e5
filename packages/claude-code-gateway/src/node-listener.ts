import { Buffer } from 'node:buffer';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { ClaudeCodeGatewayError } from './claude-code-gateway-error.ts';
import type { GatewayCaller } from './claude-code-gateway-options.ts';
import type { ClaudeCodeGateway } from './create-claude-code-gateway.ts';
import { answerJson, type ProtocolAnswer, type ProtocolRequest } from './protocol-messages.ts';

/** What a listener for `node:http` is made from. */
export interface NodeListenerOptions {
  readonly gateway: ClaudeCodeGateway;
  /** The path under which the protocol is mounted, as in the gateway's options. @defaultValue none */
  readonly mount?: string;
  /** The caller of a request by its bearer; `undefined` is answered with 401. */
  readonly authenticate: (bearer: string) => Promise<GatewayCaller | undefined>;
  /** Takes the requests for other paths. @defaultValue 404 */
  readonly next?: RequestListener;
}

const OPTION_TYPES: Readonly<Record<keyof NodeListenerOptions, OptionType>> = Object.freeze({ gateway: 'object', mount: 'string?', authenticate: 'function', next: 'function?' });

/**
 * Mounts a gateway in a plain `node:http` server. An application with a frame of its own uses `gateway.routes` instead.
 *
 * @throws ClaudeCodeGatewayError `invalid_options`
 */
export function createNodeListener(options: NodeListenerOptions): RequestListener {
  const wrong = describeUnknownOption(options, OPTION_TYPES) ?? describeWrongOption(options, OPTION_TYPES);
  if (wrong !== undefined) throw new ClaudeCodeGatewayError('invalid_options', wrong);
  const { gateway, mount = '', authenticate, next } = options;
  const answer = async (request: IncomingMessage): Promise<ProtocolAnswer | undefined> => {
    const url = request.url ?? '';
    const [path = '', ...query] = url.split('?');
    const route = path.startsWith(`${mount}/`) ? gateway.routes.get(path.slice(mount.length)) : undefined;
    if (route === undefined) return undefined;
    const { method = '' } = request;
    if (!route.methods.some((served) => served === method)) return describeError(405, 'invalid_request_error', `Method ${method} is not allowed for this path.`, ['allow', route.methods.join(', ')]);
    const caller = route.access === 'open' ? undefined : await authenticate(readBearer(request));
    if (route.access === 'caller' && caller === undefined) return describeError(401, 'authentication_error', 'The token is not valid at this gateway.', ['x-should-retry', 'false']);
    const body = await readBody(request, route.maxBodyBytes);
    if (body === undefined) return describeError(413, 'request_too_large', `The body may have at most ${route.maxBodyBytes} bytes.`, ['connection', 'close']);
    const asked: ProtocolRequest = { method, query: query.join('?'), headers: request.headers, address: request.socket.remoteAddress ?? '', body };
    return route.access === 'open' ? route.handle(asked) : route.handle(asked, caller as GatewayCaller);
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const found = await answer(request);
      if (found !== undefined) write(response, found);
      else if (next === undefined) write(response, describeError(404, 'not_found_error', 'Not found.'));
      else next(request, response);
    } catch {
      response.destroy();
    }
  };
  return (request, response) => { void serve(request, response); };
}

function readBearer({ headers }: IncomingMessage): string {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function write(response: ServerResponse, { status, headers, body }: ProtocolAnswer): void {
  response.writeHead(status, [...headers, ...(status === 304 ? [] : ['content-length', String(body.length)])]);
  response.end(body);
}

function describeError(status: number, type: string, message: string, headers: readonly string[] = []): ProtocolAnswer {
  return answerJson(status, { type: 'error', error: { type, message } }, headers);
}
