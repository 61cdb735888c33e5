import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

/** The key that the gateway sends to its OpenAI-compatible origins. */
export const ORIGIN_KEY = 'sk-operator-key-of-the-origin';

/** A request that an origin saw. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An OpenAI-compatible origin. */
export interface Origin extends AsyncDisposable {
  readonly baseUrl: string;
  readonly seen: readonly SeenRequest[];
  /** What was asked, as method and path. */
  asked(): readonly string[];
}

/** What an origin does with a request that it has read. */
export type Answering = (request: IncomingMessage, response: ServerResponse, body: string) => void | Promise<void>;

const EMPTY_ANSWER: Answering = (_request, response) => { response.writeHead(200, { 'content-type': 'application/json' }).end('{}'); };

/** Starts an origin on a free loopback port. */
export async function startOrigin(answer: Answering = EMPTY_ANSWER): Promise<Origin> {
  const seen: SeenRequest[] = [];
  const onRequest: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
      void answer(request, response, body);
    });
  };
  const server = createServer(onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen,
    asked: () => seen.map(({ method, path }) => `${method} ${path}`),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A backend of kind `openai` for an origin. */
export function openAiBackend(origin: Pick<Origin, 'baseUrl'>, name = 'other'): Record<string, unknown> {
  return { name, kind: 'openai', base_url: origin.baseUrl, api_key: ORIGIN_KEY };
}

/** The key of a client in tests. */
export const keyOf = (name: string): string => `pen_the-key-of-${name}`;

/** A client of the configuration. */
export function client(name: string, rest: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, key_sha256: createHash('sha256').update(keyOf(name)).digest('hex'), ...rest };
}

/** A gateway whose native upstream does not matter. */
export function startRelayGateway(frontDoor: Record<string, unknown>, clients: readonly Record<string, unknown>[] = [], more: ConfigDocument = {}): Promise<TestGateway> {
  return startTestGateway('http://127.0.0.1:1', { ...more, clients, openai_front_door: frontDoor });
}

/** Asks the front door as a client; a text is sent as JSON. */
export function ask(gateway: TestGateway, method: string, path: string, { name, body, headers = {} }: { name?: string; body?: string; headers?: Record<string, string> } = {}): Promise<Response> {
  const credential = name === undefined ? {} : { authorization: `Bearer ${keyOf(name)}` };
  const content = body === undefined ? {} : { 'content-type': 'application/json' };
  return fetch(`${gateway.origin}${path}`, { method, headers: { ...credential, ...content, ...headers }, ...(body === undefined ? {} : { body }), redirect: 'manual' });
}
