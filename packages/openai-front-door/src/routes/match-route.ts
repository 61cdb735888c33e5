import { FrontDoorError } from '../errors/front-door-error.ts';
import { handleChatCompletions } from './chat-completions.ts';
import type { FrontDoor, RouteHandler } from './front-door.ts';
import { openAiBackends } from './front-door.ts';
import { handleListModels, handleRetrieveModel } from './models.ts';
import { handleAnythingElse } from './relay-anything.ts';

/** A route's template, for metrics, and its handler. */
export interface MatchedRoute {
  readonly template: string;
  readonly handle: RouteHandler;
}

interface Route extends MatchedRoute {
  readonly method: string;
  readonly path: RegExp;
}

/** Paths are matched as they came: `%2F` in a model's name is part of the name. */
const ROUTES: readonly Route[] = [
  { template: '/v1/chat/completions', method: 'POST', path: /^\/v1\/chat\/completions$/, handle: handleChatCompletions },
  { template: '/v1/models', method: 'GET', path: /^\/v1\/models$/, handle: handleListModels },
  { template: '/v1/models/{id}', method: 'GET', path: /^\/v1\/models\/[^/]+$/, handle: handleRetrieveModel },
];

function methodNotAllowed(method: string, allowed: string): RouteHandler {
  return () => Promise.reject(new FrontDoorError('method_not_allowed', `${method} is not allowed here; use ${allowed}.`, { allow: allowed }));
}

/** Finds the route of a request under `/v1`; a known path with another method is 405 unless an origin is there that may know it. */
export function matchRoute(frontDoor: FrontDoor, method: string, path: string): MatchedRoute {
  const onPath = ROUTES.find((route) => route.path.test(path));
  if (onPath?.method === method) return onPath;
  if (onPath !== undefined && openAiBackends(frontDoor).length === 0) {
    return { template: onPath.template, handle: methodNotAllowed(method, onPath.method) };
  }
  return { template: onPath?.template ?? '/v1/*', handle: handleAnythingElse };
}
