import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInboundServer, DEFAULT_INBOUND_LIMITS, InboundConnection, respond, validateRequestHead, type WholeResponse } from '@penstock/inbound-server';
import { isAdminPath, type Administer } from '../access/admin/admin-exchange.ts';
import type { OptionType } from '@penstock/option-names';
import { checkOptions } from '../gateway-option-error.ts';
import { createOriginCheck, type OriginCheck } from '../http/check-origin.ts';
import { PLAIN } from '../config/plain.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { StatusPage, StatusPageOptions } from './operations/status-routes.ts';
import { shareScrapes } from '../observe/metrics/share-scrapes.ts';

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
  /** Whether a process can take requests. @defaultValue always, while running */
  readonly isServing?: () => boolean;
  /** The live page. @defaultValue none */
  readonly page?: Omit<StatusPageOptions, 'host'> | undefined;
  /** Answers requests to the administration. @defaultValue there is none */
  readonly administer?: Administer | undefined;
  /** Shorter clocks, for tests. @defaultValue OPERATIONS_LIMITS */
  readonly limits?: Partial<OperationsLimits>;
}

const HANDLER_TYPES: Readonly<Record<Exclude<keyof OperationsOptions, 'port'>, OptionType>> = Object.freeze({
  host: 'string', allowedHosts: 'list', lifecycle: 'object', scrape: 'function', warnings: 'function', isServing: 'function?', page: 'object?', administer: 'function?', limits: 'object?',
});
const LISTENER_TYPES: Readonly<Record<keyof OperationsOptions, OptionType>> = Object.freeze({ ...HANDLER_TYPES, port: 'number' });

/** Bounds of the operations listener. Not configurable: a handful of scrapers and one orchestrator ask it. */
export interface OperationsLimits {
  readonly maxConnections: number;
  /** `/metrics` responses that are open at once; they leave connections for probes, however slowly scrapers read. */
  readonly maxOpenScrapes: number;
  /** Milliseconds in which a scraper must take its text. */
  readonly scrapeTimeoutMs: number;
  /** Milliseconds for which a connection is kept between two requests. */
  readonly keepAliveTimeoutMs: number;
}

/** The bounds of every operations listener. */
export const OPERATIONS_LIMITS: OperationsLimits = Object.freeze({ maxConnections: 100, maxOpenScrapes: 32, scrapeTimeoutMs: 10_000, keepAliveTimeoutMs: 5_000 });

/** A running operations listener. */
export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

const json = (status: number, value: unknown, extra: readonly string[] = []): WholeResponse =>
  ({ status, headers: ['content-type', 'application/json', 'cache-control', 'no-store', ...extra], body: Buffer.from(JSON.stringify(value)) });
const refusal = (status: number, message: string, extra: readonly string[] = []): WholeResponse => json(status, { error: { message } }, extra);
const CLOSE = ['connection', 'close'];

/**
 * Starts the listener for scrapers and probes. It has its own port, so that neither clients nor their load reach it, and it shares the event
 * loop with the main listener, so that its own load must not reach clients.
 */
export async function startOperationsServer(options: OperationsOptions): Promise<OperationsServer> {
  checkOptions(options, LISTENER_TYPES);
  const { port, ...handled } = options;
  const limits: OperationsLimits = { ...OPERATIONS_LIMITS, ...options.limits };
  const handler = createOperationsHandler(handled);
  const server: Server = createInboundServer({
    onRequest: (request, response) => { handler.handle(request, response); },
    describeParserError: () => refusal(400, 'The request could not be parsed.'), maxConnections: limits.maxConnections, plain: PLAIN,
    limits: { keepAliveTimeoutMs: limits.keepAliveTimeoutMs, unauthenticatedKeepAliveTimeoutMs: limits.keepAliveTimeoutMs },
  });
  let closing: Promise<void> | undefined;
  server.listen(port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      // A second call has no event of its own to wait for.
      closing ??= closeServer(server, handler);
      return closing;
    },
  };
}

/** What the operations listener answers, for a server of another application. */
export interface OperationsHandler {
  /** Answers `/metrics`, `/livez`, `/readyz` and the live page below the path that it is mounted at (`request.url`). Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Ends the streams of the live page. */
  close(): void;
}

/**
 * Creates the handler of the operations listener, to be mounted: `app.use('/operations', (request, response) => operations.handle(request, response))`.
 * `host` is the address that the application listens on: `Host` is checked against it and `allowedHosts`. Throws a `GatewayOptionError`.
 */
export function createOperationsHandler(options: Omit<OperationsOptions, 'port'>): OperationsHandler {
  checkOptions(options, HANDLER_TYPES);
  const limits: OperationsLimits = { ...OPERATIONS_LIMITS, ...options.limits };
  const checkOrigin = createOriginCheck({ allowedHosts: options.allowedHosts, boundHost: options.host, corsOrigins: [] });
  const answerScrape = createScrapeAnswer(options, limits);
  const page = createLazyPage(options);
  return {
    handle(request, response) {
      answer(options, { checkOrigin, answerScrape, page }, request, response)
        .catch(() => refusal(500, 'The metrics or the status could not be collected.'))
        .then((whole) => (whole === 'events' ? undefined : respond(request, response, whole)))
        .catch(() => response.destroy());
    },
    close: () => { page.close(); },
  };
}

async function closeServer(server: Server, handler: OperationsHandler): Promise<void> {
  const closed = once(server, 'close');
  handler.close();
  server.close();
  server.closeAllConnections();
  await closed;
}

interface AnswerParts {
  readonly checkOrigin: OriginCheck;
  readonly answerScrape: (response: ServerResponse) => Promise<WholeResponse>;
  readonly page: LazyPage;
}

async function answer(options: Omit<OperationsOptions, 'port'>, { checkOrigin, answerScrape, page }: AnswerParts, request: IncomingMessage, response: ServerResponse): Promise<WholeResponse | 'events'> {
  if (InboundConnection.of(request.socket)?.isPipelined === true) return refusal(400, 'The request came before the previous one on its connection was answered.', CLOSE);
  const path = request.url?.split('?')[0] ?? '';
  const isAdministration = options.administer !== undefined && isAdminPath(path);
  const { method = '' } = request;
  if (method !== 'GET' && method !== 'HEAD' && !isAdministration) return refusal(405, 'Only GET and HEAD are allowed here.', ['allow', 'GET, HEAD']);
  const head = validateRequestHead({ method, httpVersion: request.httpVersion, rawHeaders: request.rawHeaders });
  if (typeof head === 'string') return refusal(400, head, CLOSE);
  // The page's own requests; its host is checked as that of any other.
  const origin = head.origin === `http://${head.host}` ? undefined : head.origin;
  const problem = checkOrigin({ ...head, origin, localAddress: request.socket.localAddress });
  if (problem !== undefined) return refusal(problem === 'misdirected' ? 421 : 403, 'This request is not meant for the operations listener.');
  if (options.administer !== undefined && isAdministration) return administration(options.administer, request, path);
  switch (path) {
    case '/livez': return json(200, { status: 'alive' });
    case '/readyz': return describeReadiness(options);
    case '/metrics': return answerScrape(response);
    default: return await page.answer(request, response) ?? refusal(404, `Not found: this is the operations listener, with ${options.page === undefined ? '' : '/, /status.json, '}/metrics, /livez and /readyz. APIs are served by the main listener (server.host and server.port).`);
  }
}

/** The administration, whose code is loaded with its first request. */
async function administration(administer: Administer, request: IncomingMessage, path: string): Promise<WholeResponse> {
  const { answerAdminRequest } = await import('../access/admin/receive-admin-request.ts');
  return answerAdminRequest(administer, request, { limits: DEFAULT_INBOUND_LIMITS, path });
}

interface LazyPage {
  answer(request: IncomingMessage, response: ServerResponse): Promise<WholeResponse | 'events' | undefined>;
  close(): void;
}

/** The live page, whose code is loaded with the first request that is for none of the other paths. */
function createLazyPage({ host, page: settings }: Pick<OperationsOptions, 'host' | 'page'>): LazyPage {
  let loading: Promise<StatusPage> | undefined;
  let page: StatusPage | undefined;
  return {
    async answer(request, response) {
      if (settings === undefined) return undefined;
      loading ??= import('./operations/status-routes.ts').then(({ createStatusPage }) => createStatusPage({ host, ...settings }));
      page = await loading;
      return page.answer(request, response);
    },
    close: () => { page?.close(); },
  };
}

/** Answers `/metrics`: one scrape at a time, and so many open responses at most. */
function createScrapeAnswer({ scrape }: Pick<OperationsOptions, 'scrape'>, { maxOpenScrapes, scrapeTimeoutMs }: OperationsLimits): AnswerParts['answerScrape'] {
  const sharedScrape = shareScrapes(async () => {
    const { contentType, text } = await scrape();
    return { status: 200, headers: ['content-type', contentType], body: Buffer.from(text) };
  });
  let openScrapes = 0;
  return async (response) => {
    if (openScrapes >= maxOpenScrapes) return refusal(503, 'Too many scrapes are under way.', ['retry-after', '1']);
    openScrapes += 1;
    const { socket } = response;
    const timer = setTimeout(() => socket?.destroy(), scrapeTimeoutMs);
    response.once('close', () => {
      clearTimeout(timer);
      openScrapes -= 1;
    });
    return sharedScrape();
  };
}

function describeReadiness({ lifecycle, warnings, isServing }: Pick<OperationsOptions, 'lifecycle' | 'warnings' | 'isServing'>): WholeResponse {
  const { state } = lifecycle;
  const isReady = state === 'running' && isServing?.() !== false;
  const status = isReady ? 'ready' : state === 'leaving' || state === 'refusing' ? 'draining' : 'starting';
  return json(isReady ? 200 : 503, { status, warnings: warnings() });
}
