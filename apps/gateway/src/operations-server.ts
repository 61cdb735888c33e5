import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInboundServer } from './inbound/create-inbound-server.ts';
import { createOriginCheck } from './inbound/check-origin.ts';
import { lintRequest } from './inbound/lint-request.ts';
import { respond, type WholeResponse } from './inbound/respond.ts';
import type { Lifecycle } from './lifecycle/lifecycle.ts';

/** What the operations listener shows. */
export interface OperationsOptions {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly lifecycle: Lifecycle;
  /** The exposition text of all metrics (https://prometheus.io/docs/instrumenting/exposition_formats/). */
  readonly scrape: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Parts of the gateway that are not well, by name; readiness is not touched by them. */
  readonly warnings: () => Readonly<Record<string, string>>;
  /** Whether anybody can take requests. @defaultValue always, while running */
  readonly isServing?: () => boolean;
}

/** A running operations listener. */
export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 100;

const json = (status: number, value: unknown): WholeResponse =>
  ({ status, headers: ['content-type', 'application/json', 'cache-control', 'no-store'], body: Buffer.from(JSON.stringify(value)) });

/** Starts the listener for scrapers and probes. It has its own port, so that neither clients nor their load reach it. */
export async function startOperationsServer(options: OperationsOptions): Promise<OperationsServer> {
  const checkOrigin = createOriginCheck({ allowedHosts: options.allowedHosts, boundHost: options.host, corsOrigins: [] });
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, checkOrigin, request)
      .catch(() => json(500, { error: { message: 'The metrics could not be collected.' } }))
      .then((whole) => respond(request, response, whole))
      .catch(() => response.destroy());
  };
  const server: Server = createInboundServer({ onRequest, describeParserError: () => ({ headers: [], body: Buffer.alloc(0) }), maxConnections: MAX_CONNECTIONS });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(options: OperationsOptions, checkOrigin: ReturnType<typeof createOriginCheck>, request: IncomingMessage): Promise<WholeResponse> {
  const head = lintRequest({ method: request.method ?? '', httpVersion: request.httpVersion, rawHeaders: request.rawHeaders });
  if (typeof head === 'string') return json(400, { error: { message: head } });
  const problem = checkOrigin({ ...head, localAddress: request.socket.localAddress });
  if (problem !== undefined) return json(problem === 'misdirected' ? 421 : 403, { error: { message: 'This request is not meant for the operations listener.' } });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const refusal = json(405, { error: { message: 'Only GET and HEAD are allowed here.' } });
    return { ...refusal, headers: [...refusal.headers, 'allow', 'GET, HEAD'] };
  }
  switch (request.url?.split('?')[0]) {
    case '/livez': return json(200, { status: 'alive' });
    case '/readyz': return describeReadiness(options);
    case '/metrics': {
      const { contentType, text } = await options.scrape();
      return { status: 200, headers: ['content-type', contentType], body: Buffer.from(text) };
    }
    default: return json(404, { error: { message: 'Not found: this is the operations listener, with /metrics, /livez and /readyz. APIs are served by the main listener (server.host and server.port).' } });
  }
}

function describeReadiness({ lifecycle, warnings, isServing }: OperationsOptions): WholeResponse {
  const { state } = lifecycle;
  const isReady = state === 'running' && isServing?.() !== false;
  const status = isReady ? 'ready' : state === 'leaving' || state === 'refusing' ? 'draining' : 'starting';
  return json(isReady ? 200 : 503, { status, warnings: warnings() });
}
