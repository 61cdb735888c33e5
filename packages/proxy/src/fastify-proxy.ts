import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProxyError } from './proxy-error.ts';
import type { ProxyHandler } from './create-proxy-handler.ts';

/** What is used of a Fastify instance (https://fastify.dev/docs/latest/Reference/Plugins/); Fastify itself is no dependency. */
export interface FastifyScope {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(contentType: string, parser: (request: never, payload: never, done: (error: Error | null) => void) => void): unknown;
  all(path: string, handler: (request: FastifyProxyRequest, reply: FastifyProxyReply) => Promise<void>): unknown;
}

/** What is used of a request. */
export interface FastifyProxyRequest {
  readonly raw: IncomingMessage;
  readonly url: string;
}

/** What is used of a reply. */
export interface FastifyProxyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/**
 * A Fastify plugin that forwards every request below its prefix, without it: `app.register(fastifyProxy(proxy), { prefix: '/anthropic' })`. The
 * body parsers of the scope are removed, so that bodies are streamed; those of the application stay.
 */
export function fastifyProxy(proxy: ProxyHandler): (scope: FastifyScope) => Promise<void> {
  if (typeof proxy !== 'function') throw new ProxyError('invalid_option', 'fastifyProxy takes the handler that createProxyHandler returned');
  return async function penstockProxy(scope) {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => { done(null); });
    scope.all('/*', async (request, reply) => {
      reply.hijack();
      await proxy(request.raw, reply.raw, { path: request.url.slice(scope.prefix.length) });
    });
    await Promise.resolve();
  };
}
