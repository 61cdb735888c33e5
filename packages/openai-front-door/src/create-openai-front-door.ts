import type { Context, Middleware } from 'koa';
import { FrontDoorError, isFrontDoorError } from './errors/front-door-error.ts';
import { BUILT_IN_MODEL_CAPABILITIES } from './models/built-in-capabilities.ts';
import { createModelMap } from './models/model-map.ts';
import { DEFAULT_SETTING_NAMES, validateFrontDoorOptions, type FrontDoorOptions } from './options.ts';
import { DEFAULT_RELAY_GROUPS } from './relay/relay-groups.ts';
import { answerError, beginExchange, type Exchange } from './routes/exchange.ts';
import { accessOf, type FrontDoor } from './routes/front-door.ts';
import { matchRoute, type MatchedRoute } from './routes/match-route.ts';
import { readRequestBody, streamRequestBody } from './routes/read-body.ts';
import { DEFAULT_PREFIX, requestTarget } from './routes/request-target.ts';
import { versionOf } from './routes/anthropic-request.ts';
import type { ChatPlan } from './translation/chat-plan.ts';
import { createTranslator } from './translation/translator.ts';

/** The front door of one application. */
export interface OpenAiFrontDoor {
  /**
   * Koa middleware that answers the paths of the OpenAI API under the prefix and leaves all others to what follows. A path under the prefix
   * that nothing answers is a 404 in OpenAI's shape.
   */
  routes(): Middleware;
  /** How many requests are being answered now. */
  openRequests(): number;
  /** Ends every open request: an open stream gets an error frame, a request without a head a 503. For the deadline of a drain. */
  interrupt(message?: string): void;
}

function planChats(options: FrontDoorOptions, maxRequestValues: number): ChatPlan {
  const versions = Object.entries(options.backends).map(([name, backend]) => [name, backend.kind === 'anthropic' ? versionOf(backend) : undefined] as const);
  return {
    models: options.models,
    capabilities: options.capabilities ?? BUILT_IN_MODEL_CAPABILITIES,
    maxOutputTokens: options.maxOutputTokens,
    versions: Object.fromEntries(versions),
    laterSystemMessages: options.laterSystemMessages ?? 'inline',
    jsonObjectFormat: options.jsonObjectFormat ?? 'ignore',
    reasoningContent: options.reasoningContent ?? false,
    maxRequestValues,
  };
}

function resolveFrontDoor(options: FrontDoorOptions): FrontDoor {
  const limits = validateFrontDoorOptions(options);
  const chatPlan = planChats(options, limits.maxRequestValues);
  return {
    limits, chatPlan,
    translator: createTranslator({ maxInlineBytes: limits.maxInlineBytes, maxWaiting: limits.maxTranslationsWaiting }),
    backends: options.backends,
    models: createModelMap(chatPlan.models, chatPlan.capabilities, chatPlan.maxOutputTokens),
    hooks: { ...options.hooks, onInternalError: options.hooks?.onInternalError ?? printInternalError },
    readBody: options.readBody ?? readRequestBody,
    streamBody: options.streamBody ?? streamRequestBody,
    relayGroups: new Set(options.relayGroups ?? DEFAULT_RELAY_GROUPS),
    settingNames: options.settingNames ?? DEFAULT_SETTING_NAMES,
    codexInstructions: options.codexInstructions,
    prefix: options.prefix ?? DEFAULT_PREFIX,
  };
}

function requireGroup(frontDoor: FrontDoor, { ctx }: Exchange, { group }: MatchedRoute): void {
  if (group === undefined || accessOf(frontDoor, ctx).allowsRouteGroup(group)) return;
  throw new FrontDoorError('forbidden', `These routes (${group}) are not open to this client.`);
}

/** The default of `onInternalError`: a fault that is neither answered in full nor reported anywhere would be found by its users. */
function printInternalError(error: unknown): void {
  console.error('openai-front-door: internal error', error);
}

/** Whether what follows in the application answers a request. */
async function isAnsweredBy(next: () => Promise<unknown>, ctx: Context): Promise<boolean> {
  const { respond, status } = ctx;
  await next();
  const isTakenOver = ctx.respond === false && respond !== false;
  return isTakenOver || ctx.res.headersSent || ctx.status !== status || (ctx.body ?? undefined) !== undefined;
}

/** Answers one request whatever happens: a thrown error becomes an answer, or breaks the one that has begun. */
async function answer(frontDoor: FrontDoor, exchange: Exchange, route: MatchedRoute): Promise<void> {
  const { ctx } = exchange;
  try {
    requireGroup(frontDoor, exchange, route);
    await route.handle(frontDoor, exchange);
  } catch (error) {
    exchange.cancelUpstream();
    const failure = isFrontDoorError(error) && error.outcome !== 'client_gone' ? error : exchange.classify(error);
    if (failure.code === 'internal') frontDoor.hooks.onInternalError?.(failure.cause ?? failure, ctx);
    try {
      await answerError(exchange, failure);
    } catch (second) {
      // The client left while it was told: that is how the request ended.
      const last = exchange.classify(second);
      Object.assign(exchange.record, { outcome: last.outcome, errorCode: last.code, error: last });
      exchange.client.destroy();
    }
  } finally {
    exchange.settle();
  }
}

/** Creates the front door. Throws a `FrontDoorOptionsError` that lists every problem of the options. */
export function createOpenAiFrontDoor(options: FrontDoorOptions): OpenAiFrontDoor {
  const frontDoor = resolveFrontDoor(options);
  const open = new Set<Exchange>();
  const openAiFrontDoor = async function openAiFrontDoor(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    const target = requestTarget(ctx, frontDoor.prefix);
    if (target === undefined) {
      await next();
      return;
    }
    const route = matchRoute(frontDoor, ctx.method, target);
    if (route.isForeign && await isAnsweredBy(next, ctx)) return;
    const exchange = beginExchange(ctx, { template: route.template, target }, { hooks: frontDoor.hooks, clientStallMs: frontDoor.limits.clientStallMs });
    open.add(exchange);
    try {
      await answer(frontDoor, exchange, route);
    } finally {
      open.delete(exchange);
    }
  };
  return {
    routes: () => openAiFrontDoor,
    openRequests: () => open.size,
    interrupt: (message = 'The gateway is shutting down. Retry.') => {
      for (const exchange of open) exchange.interrupt(new FrontDoorError('draining', message, { retryAfterSeconds: 1 }));
    },
  };
}
