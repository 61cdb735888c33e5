import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import { freePort } from '@penstock/test-support';

/** An upstream whose every trouble is asked for by the request header `anthropic-trouble`. */
export interface TroubledUpstream {
  readonly origin: string;
  /** Ends everything that was left hanging. */
  releaseAll(): void;
  /** Stops listening and closes all connections; `listen` starts again on the same port. */
  stop(): Promise<void>;
  listen(): Promise<void>;
}

/** A whole message with tokens of every type. */
export const MESSAGE: string = JSON.stringify({
  id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-troubled', content: [], stop_reason: 'end_turn',
  usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 40, cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 2 } },
});

const START = 'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-troubled","usage":{"input_tokens":1,"output_tokens":1}}}\n\n';
const ERROR = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';

/** A quota of which a twentieth is left, renewed in an hour, and a subscription that is nearly used up. */
function quotaHeaders(): Record<string, string> {
  const reset = new Date(Date.now() + 3_600_000).toISOString();
  return {
    'anthropic-ratelimit-requests-limit': '1000', 'anthropic-ratelimit-requests-remaining': '50', 'anthropic-ratelimit-requests-reset': reset,
    'anthropic-ratelimit-unified-status': 'allowed_warning', 'anthropic-ratelimit-unified-5h-utilization': '0.95', 'anthropic-ratelimit-unified-5h-status': 'allowed',
    'anthropic-ratelimit-unified-5h-reset': String(Math.ceil(Date.now() / 1000) + 3_600),
  };
}

/** The port of a server that listens. */
export function listeningPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts the upstream on a free loopback port. */
export async function startTroubledUpstream(): Promise<TroubledUpstream> {
  const hanging = new Set<ServerResponse>();

  const stream = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });

  function answer(trouble: string, request: IncomingMessage, response: ServerResponse): void {
    const status = /^status=(\d+)$/.exec(trouble)?.[1];
    if (status !== undefined) response.writeHead(Number(status), { 'content-type': 'application/json' }).end('{"type":"error","error":{"type":"api_error","message":"x"}}');
    else if (trouble === 'hang') hanging.add(stream(response).on('error', () => undefined));
    else if (trouble === 'cut') stream(response).write(START, () => request.socket.destroy());
    else if (trouble === 'error-event') stream(response).end(START + ERROR);
    else if (trouble === 'no-stop') stream(response).end(START);
    else if (trouble === 'large') stream(response).on('error', () => undefined).end('x'.repeat(32 * 1024 * 1024));
    else if (trouble === 'reset') request.socket.destroy();
    else if (trouble === 'quota') response.writeHead(200, { 'content-type': 'application/json', ...quotaHeaders() }).end(MESSAGE);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(MESSAGE);
    if (trouble === 'hang') response.write(START);
  }

  const server = createServer((request, response) => {
    request.resume().once('end', () => answer(String(request.headers['anthropic-trouble'] ?? ''), request, response));
  });
  server.keepAliveTimeout = 60_000;
  // It stays its own while nothing listens.
  const port = await freePort();
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen();
  return {
    origin: `http://127.0.0.1:${port}`,
    releaseAll() {
      for (const response of hanging) response.end('event: message_stop\ndata: {"type":"message_stop"}\n\n');
      hanging.clear();
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    listen,
  };
}
