import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Client, type Dispatcher } from 'undici';
import { createRelayHandler, type RelayHandler, type RelayOptions, type RelayResult } from '../src/index.ts';

/** A small real gateway for tests: node:http in front, one undici client a request behind. */
export interface RelayServer {
  readonly port: number;
  /** One entry a settled response, in order. */
  readonly results: readonly RelayResult[];
  /** One entry a request, in order. */
  readonly handlers: readonly RelayHandler[];
  /** The dispatcher's controllers, in order. */
  readonly controllers: readonly Dispatcher.DispatchController[];
  readonly responses: readonly ServerResponse[];
  /** Waits until `count` responses have settled. */
  settled(count?: number): Promise<RelayResult>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a test may change; the head crosses as it came, less what frames it. */
export interface RelayServerOptions {
  readonly relay?: Partial<RelayOptions> | ((request: IncomingMessage, response: ServerResponse) => Partial<RelayOptions>);
  readonly server?: ServerOptions;
  /** Whether a client that closed its sending side may read on. @defaultValue false */
  readonly allowsHalfOpen?: boolean;
  readonly client?: Client.Options;
  /** Fields of the outbound request. */
  readonly requestHeaders?: readonly string[];
  /** Called when the handler could not be created; answers 500. */
  readonly onCreateError?: (error: unknown) => void;
  /** Called when a response settled without a head; answers 502 by default. */
  readonly onHeadless?: (response: ServerResponse, result: RelayResult) => void;
}

/** Whether this run of the suite is the one without shortcuts (`PENSTOCK_PLAIN=1`). */
export const PLAIN: boolean = process.env['PENSTOCK_PLAIN'] === '1';

const FRAMING = new Set(['connection', 'keep-alive', 'transfer-encoding', 'trailer']);

/** The error event the tests use. */
export const FAILURE_EVENT = Buffer.from('event: error\ndata: {"type":"error","error":{"type":"api_error","message":"The upstream connection was lost."}}\n\n');

/** Header fields without those that frame a message on one connection. */
export function withoutFraming(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => !FRAMING.has((rawHeaders[index - index % 2] ?? '').toLowerCase()));
}

/** Starts a relay in front of `origin`. */
export async function startRelay(origin: string, options: RelayServerOptions = {}): Promise<RelayServer> {
  const results: RelayResult[] = [];
  const handlers: RelayHandler[] = [];
  const controllers: Dispatcher.DispatchController[] = [];
  const responses: ServerResponse[] = [];
  const waiting = new Set<() => void>();
  const server = createServer({ rejectNonStandardBodyWrites: true, noDelay: true, ...options.server }, (request, response) => {
    const client = new Client(origin, { bodyTimeout: 0, headersTimeout: 0, ...options.client });
    const relay = typeof options.relay === 'function' ? options.relay(request, response) : options.relay;
    responses.push(response);
    const settings: RelayOptions = {
      onHead: (status, rawHeaders, statusMessage) => ({ status, statusMessage, rawHeaders: withoutFraming(rawHeaders) }),
      failureEvent: () => FAILURE_EVENT,
      failureLingerMs: 50,
      onStart: (controller) => { controllers.push(controller); },
      plain: PLAIN,
      ...relay,
      onSettled: (result) => {
        relay?.onSettled?.(result);
        results.push(result);
        // Graceful: a request that the relay failed to abort would stay open, and the test would see it.
        void client.close();
        if (!result.headSent && !response.destroyed) (options.onHeadless ?? answerBadGateway)(response, result);
        for (const notify of waiting) notify();
      },
    };
    const handler = createHandler(response, settings, options.onCreateError);
    if (handler === undefined) return;
    handlers.push(handler);
    client.dispatch({ path: request.url ?? '/', method: request.method ?? 'GET', headers: [...(options.requestHeaders ?? ['accept', '*/*'])] }, handler);
  });
  // Read by Node, documented by its source alone.
  Object.assign(server, { httpAllowHalfOpen: options.allowsHalfOpen ?? false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay server has no port');
  return {
    port: address.port, results, handlers, controllers, responses, close, [Symbol.asyncDispose]: close,
    settled: async (count = 1) => {
      for (;;) {
        const result = results[count - 1];
        if (result !== undefined) return result;
        await new Promise<void>((resolve) => {
          const notify = (): void => { waiting.delete(notify); resolve(); };
          waiting.add(notify);
        });
      }
    },
  };
}

function createHandler(response: ServerResponse, settings: RelayOptions, onError: ((error: unknown) => void) | undefined): RelayHandler | undefined {
  try {
    return createRelayHandler(response, settings);
  } catch (error) {
    onError?.(error);
    response.writeHead(500).end();
    return undefined;
  }
}

function answerBadGateway(response: ServerResponse): void {
  response.writeHead(502, { 'content-type': 'text/plain' });
  response.end('bad gateway');
}
