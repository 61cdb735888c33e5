import { Buffer } from 'node:buffer';
import type { RequestListener } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Router } from '@koa/router';
import { type InboundLimits, respond } from '@penstock/inbound-server';
import Koa from 'koa';
import type { OriginCheck } from './check-origin.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { ObservedRequest } from '../request/observed-request.ts';
import type { Lifecycle } from '../process/lifecycle.ts';
import { createRequestId } from '../request/request-id.ts';
import type { Side } from '../request/request-record.ts';
import { admitRequest } from './admit-request.ts';
import { answerCors } from './cors.ts';
import { describeRefusal, sideOf, type Refusal } from './refusal.ts';
import { findWrongAddress } from './wrong-address.ts';

/** One API of the gateway, as the application mounts it. It answers every request, and never throws. */
export interface MountedSide {
  handle(context: Koa.Context, inbound: InboundRequest): Promise<void>;
}

/** Paths that are neither side's. */
export interface SignInPaths {
  /** `undefined` for paths of the sides. */
  handle(inbound: InboundRequest): Promise<void> | undefined;
  /** Whether a path is a page that checks the browser itself. */
  isPage(path: string): boolean;
}

/** The options of `createApplication`. */
export interface ApplicationOptions {
  readonly version: string;
  readonly lifecycle: Lifecycle;
  readonly checkOrigin: () => OriginCheck;
  readonly inboundLimits: InboundLimits;
  /** The native side, or the answer for its clients where it is not configured. */
  readonly native: MountedSide | Refusal;
  /** The sides of clouds, or the answers for clients of those that are absent. */
  readonly clouds: Readonly<Record<'bedrock' | 'vertex', MountedSide | Refusal>>;
  /** The paths of sign-in under `/anthropic`, served before the native side's. @defaultValue there are none */
  readonly signIn?: SignInPaths;
  /** Absent when it is switched off or could not be made. */
  readonly frontDoor: MountedSide | undefined;
  /** The answer for clients of an absent front door. */
  readonly absentFrontDoor: Refusal;
  /** Records a request that was refused before a side took it. */
  readonly onRefused: (request: ObservedRequest, refused: RefusedRequest) => void;
  /** Reports an exception that only a bug causes. */
  readonly onInternalError: (requestId: string, error: unknown) => void;
}

/** How a request ended in the application. */
export interface RefusedRequest {
  /** `undefined` for paths of neither side. */
  readonly side: Side | undefined;
  readonly status: number;
  readonly refusal: Refusal;
  readonly responseBytes: number;
}

const NOT_SERVED: Refusal = { code: 'not_found', message: 'Not found: this gateway serves /anthropic and /v1.' };

const INDEX_METHODS = ['GET', 'HEAD'];

/**
 * Koa without its own responding: it watches every response for an error and writes `ctx.body` when the middleware is done. Here each
 * middleware writes its response itself, and the relay of a response watches it.
 */
class Application extends Koa {
  handleRequest(context: Koa.Context, middleware: (context: Koa.Context) => Promise<unknown>): Promise<unknown> {
    return middleware(context).catch((error: unknown) => { context.onerror(error as Error); });
  }
}

/**
 * The Koa application: the ordered list of steps before a side takes a request. Koa never writes a response
 * here (`ctx.respond = false`); the promise of each middleware settles when the response ended, so that outer middleware
 * sees the true end.
 */
export function createApplication(options: ApplicationOptions): RequestListener {
  const application = new Application();
  // Paths are matched with their case, as the sides match them: a path in other letters would reach a side that does not answer it.
  const router = new Router({ sensitive: true });

  // One line a mounted module. Sides route within themselves: they share nothing, not even a router.
  router.all('/', (context) => answerIndex(options, context));
  router.all(['/anthropic', '/anthropic/{*rest}'], mountOr(options, 'native', options.native));
  router.all(['/v1', '/v1/{*rest}'], options.frontDoor === undefined
    ? (context) => refuse(options, context, 'front_door', options.absentFrontDoor)
    : mount(options.frontDoor));
  for (const side of ['bedrock', 'vertex'] as const) {
    router.all([`/${side}`, `/${side}/{*rest}`], mountOr(options, side, options.clouds[side]));
  }

  application.use(admission(options)); // first: nothing may look at a request that a second parser could read differently
  application.use(cors(options)); //      before routing: a preflight has no credential and no route
  application.use(nativePrefix(options)); // nearly every request: matching in the router costs more than its admission
  application.use(wrongAddress(options)); // before the front door: it would serve some of them, and a wrong base URL would pass its test
  application.use(router.routes()); //    the two sides and the index
  application.use((context) => refuse(options, context, sideOf(context.path), NOT_SERVED));

  application.on('error', (error: unknown, context?: Koa.Context) => {
    // Koa reports a connection that broke as well: that is a client's doing, and its request has an outcome of its own.
    if (context !== undefined && error === context.req.socket.errored) return;
    options.onInternalError(String(context?.['state']?.['id'] ?? ''), error);
  });
  const handle = application.callback();
  return (request, response) => void handle(request, response);
}

function admission(options: ApplicationOptions): Koa.Middleware {
  const isPage = isPageOf(options);
  return async function admit(context, next) {
    context.respond = false;
    const id = createRequestId();
    context.state['id'] = id;
    const admitted = admitRequest(context.req, context.res, id, { checkOrigin: options.checkOrigin(), limits: options.inboundLimits, isPage });
    if (!admitted.ok) {
      // The connection of an ambiguous request carries nothing further: its next bytes could be read differently, too.
      await refuse(options, context, sideOf(context.req.url ?? ''), admitted.refusal, ['connection', 'close']);
      return;
    }
    context.state['inbound'] = admitted.inbound;
    try {
      await next();
      // No request may hang: one that every middleware passed on is answered here.
      if (!context.res.headersSent && !context.res.destroyed) await refuse(options, context, sideOf(admitted.inbound.path), NOT_SERVED);
    } catch (error) {
      options.onInternalError(id, error);
      if (context.res.headersSent) context.res.destroy();
      else await refuse(options, context, sideOf(admitted.inbound.path), { code: 'internal', message: 'Internal error of the gateway.' });
    }
  };
}

function cors(options: ApplicationOptions): Koa.Middleware {
  const isPage = isPageOf(options);
  return function answerPreflight(context, next) {
    const inbound = inboundOf(context);
    // No page of another site may read these.
    if (inbound.head.origin !== undefined && isPage(inbound.path)) return next();
    const preflight = answerCors(inbound);
    if (preflight === undefined) return next();
    return respond(inbound.request, inbound.response, options.lifecycle.isLeaving ? { ...preflight, headers: [...preflight.headers, 'connection', 'close'] } : preflight);
  };
}

function nativePrefix({ native, signIn }: ApplicationOptions): Koa.Middleware {
  // Where there is no such side, the router has the answer.
  const handleNative: (context: Koa.Context, inbound: InboundRequest, next: Koa.Next) => Promise<void> = 'handle' in native
    ? (context, inbound) => native.handle(context, inbound) : (_context, _inbound, next) => next();
  return function handle(context, next) {
    const inbound = inboundOf(context);
    return inbound.path.startsWith('/anthropic/') ? signIn?.handle(inbound) ?? handleNative(context, inbound, next) : next();
  };
}

function isPageOf({ signIn }: ApplicationOptions): (path: string) => boolean {
  return signIn === undefined ? () => false : (path) => signIn.isPage(path);
}

function wrongAddress(options: ApplicationOptions): Koa.Middleware {
  return function answerWrongAddress(context, next) {
    const wrong = findWrongAddress(inboundOf(context));
    return wrong === undefined ? next() : refuse(options, context, wrong.side, wrong.refusal);
  };
}

function mount(side: MountedSide): Koa.Middleware {
  return function handle(context) {
    return side.handle(context, inboundOf(context));
  };
}

function mountOr(options: ApplicationOptions, side: Side, mounted: MountedSide | Refusal): Koa.Middleware {
  return 'handle' in mounted ? mount(mounted) : (context) => refuse(options, context, side, mounted);
}

async function answerIndex(options: ApplicationOptions, context: Koa.Context): Promise<void> {
  const inbound = inboundOf(context);
  if (!INDEX_METHODS.includes(inbound.method)) {
    await refuse(options, context, undefined, { code: 'method_not_allowed', message: `Method ${inbound.method} is not allowed for this path.`, allow: INDEX_METHODS });
    return;
  }
  const body = Buffer.from(JSON.stringify({ name: 'penstock', version: options.version, prefixes: { anthropic: '/anthropic', openai: '/v1' } }));
  const headers = ['content-type', 'application/json', 'x-penstock-request-id', inbound.id, ...inbound.responseFields];
  if (options.lifecycle.isLeaving) headers.push('connection', 'close');
  await respond(inbound.request, inbound.response, { status: 200, headers, body });
}

async function refuse(options: ApplicationOptions, context: Koa.Context, side: Side | undefined, refusal: Refusal, extra: readonly string[] = []): Promise<void> {
  const startedAt = performance.now();
  const id = String(context.state['id']);
  const whole = describeRefusal(refusal, side, id);
  const inbound = context.state['inbound'] as InboundRequest | undefined;
  const closing = extra.length === 0 && options.lifecycle.isLeaving ? ['connection', 'close'] : extra;
  const headers = [...whole.headers, ...(inbound?.responseFields ?? []), ...closing];
  const responseBytes = await respond(context.req, context.res, { ...whole, headers });
  const request = inbound ?? { id, method: context.req.method ?? '', request: context.req, startedAt, head: { host: '' }, trace: undefined, loggedFields: undefined };
  options.onRefused(request, { side, status: whole.status, refusal, responseBytes });
}

function inboundOf(context: Koa.Context): InboundRequest {
  return context.state['inbound'] as InboundRequest;
}
