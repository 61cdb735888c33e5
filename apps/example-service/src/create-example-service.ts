import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createUpstreamClient, isUpstreamError, type PoolOptions, type RequestTimeouts, type UpstreamClient } from '@penstock/upstream-client';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { Registry } from 'prom-client';
import { fetch } from 'undici';

/** The options of `createExampleService`. */
export interface ExampleServiceOptions {
  /** The origin that the service asks for weather. */
  readonly weatherOrigin: string;
  /** How many connections it may use. @defaultValue the client's own */
  readonly pool?: PoolOptions;
  /** How long it waits. @defaultValue the client's own */
  readonly timeouts?: Partial<RequestTimeouts>;
}

/** A running service's parts. */
export interface ExampleService {
  readonly server: Server;
  readonly client: UpstreamClient;
  readonly registry: Registry;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Creates a small service that has nothing to do with a gateway: it answers `GET /weather/{city}` by asking another service, and `GET /metrics`.
 *
 * The two lines that matter are the dispatcher in `fetch` and `registerUpstreamMetrics`; all else is plain node:http.
 */
export function createExampleService({ weatherOrigin, pool = {}, timeouts = {} }: ExampleServiceOptions): ExampleService {
  const registry = new Registry();
  const client = createUpstreamClient({ origin: weatherOrigin, pool, timeouts });
  const metrics = registerUpstreamMetrics({ registry, clients: { weather: client } });

  async function answerWeather(city: string, response: ServerResponse): Promise<void> {
    // The caller may leave; the upstream request then ends too, and its connection is free for others.
    const caller = new AbortController();
    response.once('close', () => caller.abort());
    const forecast = await fetch(`${weatherOrigin}/forecast?city=${encodeURIComponent(city)}`, { dispatcher: client, signal: caller.signal });
    const body = await forecast.text();
    response.writeHead(forecast.status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/metrics') {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      return;
    }
    const city = /^\/weather\/([a-z]{1,40})$/.exec(request.url ?? '')?.[1];
    if (city === undefined) response.writeHead(404).end();
    else await answerWeather(city, response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => answerFailure(error, response));
  });

  return {
    server, client, registry,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await client.destroy();
      metrics.dispose();
    },
  };
}

/** `fetch` wraps what went wrong; the client's own error is the cause, and it says whether asking again is safe. */
function answerFailure(error: unknown, response: ServerResponse): void {
  if (response.destroyed) return;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = isUpstreamError(cause) ? cause.code : 'unknown';
  response.writeHead(503, { 'retry-after': '1' }).end(`the weather is unknown: ${code}\n`);
}
