import type { RouteGroup } from '../config/sections/route-groups.ts';

/** Which clock bounds the wait for the upstream's head (docs/configuration.md, Clocks). */
export type HeadClock = 'quick' | 'message' | 'stream';

/** One route of the native side. */
export interface NativeRoute {
  /** The label in metrics and logs; never a raw path. */
  readonly template: string;
  /** `undefined` for paths this version does not know. */
  readonly group: RouteGroup | undefined;
  readonly methods: readonly string[];
  /** How a body is taken: `json` is gathered and validated, `upload` streams through. */
  readonly body: 'json' | 'upload';
  readonly headClock: HeadClock;
  /** Whether an answer reports its tokens: it is read along, and its tokens are reserved before and charged after it. */
  readonly reportsUsage: boolean;
  /** Whether a POST makes work whose tokens its answer does not report: closed to clients with token limits. */
  readonly isSpentLater: boolean;
  /** What it serves of message batches whose costs are known: all of them, where a POST makes one, the results of one, or what costs nothing. Absent for any other. */
  readonly batch?: 'all' | 'results' | 'free';
  /** Bytes of the largest accepted body (https://docs.anthropic.com/en/api/overview#request-size-limits). */
  readonly maxBodyBytes: number;
  /** Whether an answer lasts for hours, or waits for something to happen: it has its part of the pool and a clock of its own. */
  readonly isLongLived: boolean;
}

const MIB = 1024 * 1024;
const PREFIX = '/anthropic';
const NONE = 0;

const route = (template: string, group: RouteGroup, methods: readonly string[], rest: Partial<NativeRoute> = {}): NativeRoute =>
  ({ template: `${PREFIX}${template}`, group, methods, body: 'upload', headClock: 'quick', reportsUsage: false, isSpentLater: false, maxBodyBytes: NONE, isLongLived: false, ...rest });

/** The list of models. */
export const MODELS_PATH = '/anthropic/v1/models';

/** One model by its name. */
export const MODEL_TEMPLATE: string = `${MODELS_PATH}/{model_id}`;

/** Bytes of the largest body that is gathered. */
export const LARGEST_JSON_BODY_BYTES: number = 32 * MIB;

const LONG_LIVED = { headClock: 'stream', isLongLived: true } as const;
const JSON_BODY = { body: 'json', maxBodyBytes: LARGEST_JSON_BODY_BYTES } as const;

/** Areas of agents in which models work on their own, as long as they like. */
const WORKING_AREAS: ReadonlySet<string> = new Set(['sessions', 'deployments', 'deployment_runs', 'dreams', 'claude_code']);

/** The routes this version knows by name. `{x}` stands for one segment, a last `**` for one or more. Order decides. */
export const NATIVE_ROUTES: readonly NativeRoute[] = [
  route('/v1/messages', 'messages', ['POST'], { ...JSON_BODY, headClock: 'message', reportsUsage: true }),
  route('/v1/messages/count_tokens', 'messages', ['POST'], JSON_BODY),
  route('/v1/complete', 'messages', ['POST'], { ...JSON_BODY, headClock: 'message', reportsUsage: true }),
  route('/v1/models', 'models', ['GET']),
  route('/v1/models/{model_id}', 'models', ['GET']),
  route('/v1/messages/batches', 'batches', ['GET', 'POST'], { maxBodyBytes: 256 * MIB, isSpentLater: true, batch: 'all' }),
  route('/v1/messages/batches/{batch_id}', 'batches', ['GET', 'DELETE'], { batch: 'free' }),
  route('/v1/messages/batches/{batch_id}/cancel', 'batches', ['POST'], { maxBodyBytes: MIB, batch: 'free' }),
  route('/v1/messages/batches/{batch_id}/results', 'batches', ['GET'], { batch: 'results' }),
  route('/v1/messages/batches/**', 'batches', ['GET', 'POST', 'DELETE'], { maxBodyBytes: 256 * MIB, isSpentLater: true }),
  route('/v1/files', 'files', ['GET', 'POST'], { maxBodyBytes: 500 * MIB }),
  route('/v1/files/{file_id}', 'files', ['GET', 'DELETE']),
  route('/v1/files/{file_id}/content', 'files', ['GET']),
  route('/v1/files/**', 'files', ['GET', 'POST', 'DELETE'], { maxBodyBytes: 500 * MIB }),
  route('/v1/skills', 'skills', ['GET', 'POST'], { maxBodyBytes: 32 * MIB }),
  route('/v1/skills/**', 'skills', ['GET', 'POST', 'DELETE'], { maxBodyBytes: 32 * MIB }),
  // Paths that reveal a secret or administer the organization come before the groups they stand in.
  ...['reveal_token', 'rotate_token'].map((action) => route(`/v1/tunnels/{tunnel_id}/${action}`, 'admin', ['POST'], { maxBodyBytes: MIB })),
  // Federated login: who may trade an identity for a token administers nothing by it.
  route('/v1/oauth/token', 'oauth_token', ['POST'], { maxBodyBytes: MIB }),
  ...['organizations', 'compliance', 'oauth'].flatMap((area) => [`/v1/${area}`, `/v1/${area}/**`])
    .map((template) => route(template, 'admin', ['GET', 'POST', 'DELETE'], { maxBodyBytes: 32 * MIB })),
  route('/v1/sessions/{session_id}/events/stream', 'agents', ['GET'], LONG_LIVED),
  route('/v1/sessions/{session_id}/threads/{thread_id}/stream', 'agents', ['GET'], LONG_LIVED),
  route('/v1/environments/{environment_id}/work/poll', 'agents', ['GET'], LONG_LIVED),
  ...['agents', 'sessions', 'environments', 'deployments', 'deployment_runs', 'vaults', 'memory_stores', 'dreams', 'tunnels', 'user_profiles', 'claude_code']
    .flatMap((area) => [route(`/v1/${area}`, 'agents', ['GET', 'POST'], { maxBodyBytes: 32 * MIB, isSpentLater: WORKING_AREAS.has(area) }),
      route(`/v1/${area}/**`, 'agents', ['GET', 'POST', 'DELETE'], { maxBodyBytes: 32 * MIB, headClock: 'stream', isSpentLater: WORKING_AREAS.has(area) })]),
];

/** What stands for a path that is forwarded although this version does not know it. */
export const UNKNOWN_ROUTE: NativeRoute = {
  template: `${PREFIX}/v1/**`, group: undefined, methods: ['GET', 'POST', 'DELETE', 'PUT', 'PATCH'],
  body: 'upload', headClock: 'message', reportsUsage: true, isSpentLater: false, maxBodyBytes: 500 * MIB, isLongLived: false,
};

interface Pattern {
  readonly expression: RegExp;
  readonly route: NativeRoute;
}

const EXACT = new Map(NATIVE_ROUTES.filter(({ template }) => !/[{*]/.test(template)).map((known) => [known.template, known]));
const PATTERNS: readonly Pattern[] = NATIVE_ROUTES.filter(({ template }) => /[{*]/.test(template)).map((known) => ({
  expression: new RegExp(`^${known.template.replaceAll(/\{\w+\}/g, '[^/]+').replace('**', '.+')}$`),
  route: known,
}));

/** The route of nearly every request: compared, where a path that came just now would have to be hashed. */
const MESSAGES = `${PREFIX}/v1/messages`;
const MESSAGES_ROUTE = EXACT.get(MESSAGES);

/** The route of a validated path, whatever its method; `undefined` when this version does not know the path. */
export function findRoute(path: string): NativeRoute | undefined {
  if (path === MESSAGES) return MESSAGES_ROUTE;
  return EXACT.get(path) ?? PATTERNS.find(({ expression }) => expression.test(path))?.route;
}
