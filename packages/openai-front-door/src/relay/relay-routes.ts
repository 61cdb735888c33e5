import type { RelayGroup } from './relay-groups.ts';

/** How the body of a relayed request is taken: `json` must be JSON, `form` is JSON or multipart, `any` is whatever comes. */
export type RelayedBodyKind = 'json' | 'form' | 'any';

/** One route that is relayed to OpenAI-compatible origins. */
export interface RelayRoute {
  /** The label in metrics and logs; never a raw path. `{x}` stands for one segment, a last `**` for one or more. */
  readonly template: string;
  readonly group: RelayGroup;
  readonly methods: readonly string[];
  readonly body: RelayedBodyKind;
}

type Row = Omit<RelayRoute, 'group'>;

const row = (path: string, methods: readonly string[], body: RelayedBodyKind = 'any'): Row => ({ template: `/v1/${path}`, methods, body });

/** An area and everything below it. */
const area = (path: string, methods: readonly string[] = ['GET', 'POST', 'DELETE']): readonly Row[] => [row(path, methods), row(`${path}/**`, methods)];

/**
 * The routes of the OpenAI API (https://platform.openai.com/docs/api-reference) by group; Chat Completions and the models routes
 * are the front door's own. A group without a line does not compile.
 */
const ROWS: Readonly<Record<RelayGroup, readonly Row[]>> = {
  // First, because some of these stand inside areas of other groups: they make keys of the account, or change it for all its users.
  front_door_admin: [
    ...['realtime/client_secrets', 'realtime/sessions', 'realtime/transcription_sessions', 'chatkit/sessions'].flatMap((path) => area(path)),
    ...['organization', 'organizations', 'projects', 'admin_api_keys', 'fine_tuning', 'fine-tunes', 'usage', 'dashboard', 'billing', 'keys', 'key', 'credits', 'auth', 'users', 'audit_logs']
      .flatMap((path) => area(path)),
    row('models/{id}', ['DELETE']),
  ],
  // Each names its model in the body and leaves nothing that an id of another caller could reach.
  front_door: [
    ...['completions', 'embeddings', 'responses', 'responses/input_tokens', 'responses/compact', 'moderations', 'audio/speech', 'images/generations']
      .map((path) => row(path, ['POST'], 'json')),
    ...['audio/transcriptions', 'audio/translations', 'images/edits', 'images/variations'].map((path) => row(path, ['POST'], 'form')),
  ],
  front_door_files: [...area('files'), ...area('uploads')],
  front_door_batches: area('batches'),
  // What an origin keeps under an id: stored answers, conversations, assistants, and what they work on.
  front_door_state: [
    row('chat/completions', ['GET']), row('chat/completions/**', ['GET', 'POST', 'DELETE']), row('responses/**', ['GET', 'POST', 'DELETE']),
    ...['conversations', 'assistants', 'threads', 'vector_stores', 'containers', 'evals', 'videos', 'skills', 'chatkit', 'realtime', 'prompts', 'audio/voices', 'audio/voice_consents']
      .flatMap((path) => area(path)),
  ],
  front_door_unknown: [],
};

/** Every route that is known by name. Order decides. */
export const RELAY_ROUTES: readonly RelayRoute[] = Object.entries(ROWS).flatMap(([group, rows]) => rows.map((entry) => ({ ...entry, group: group as RelayGroup })));

/** What stands for a path that is relayed although it is not known. */
export const UNKNOWN_RELAY_ROUTE: RelayRoute = { template: '/v1/**', group: 'front_door_unknown', methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], body: 'any' };

interface Pattern {
  readonly expression: RegExp;
  readonly route: RelayRoute;
}

const PATTERNS: readonly Pattern[] = RELAY_ROUTES.map((route) => ({
  expression: new RegExp(`^${route.template.replaceAll(/\{\w+\}/g, '[^/]+').replace('**', '.+')}$`), route,
}));

/** The routes of a path, one for each group that has methods there; the first is the one that decides what the path is. */
export function relayRoutesAt(path: string): readonly RelayRoute[] {
  const first = PATTERNS.find(({ expression }) => expression.test(path))?.route;
  return first === undefined ? [] : RELAY_ROUTES.filter(({ template }) => template === first.template);
}

/** Paths whose POST has a model answer, and whose answer reports the tokens of that. */
const ANSWERING: ReadonlySet<string> = new Set(['/v1/chat/completions', ...RELAY_ROUTES.filter(({ group }) => group === 'front_door').map(({ template }) => template)]);

/**
 * Whether a POST with a JSON body has a model answer. What an origin keeps under an id was answered, and charged, before: reading, changing or
 * cancelling it spends nothing, though it reports usage. A path that a lenient origin reads as an answering one is one; of an unknown path nothing is known, so it is one too.
 */
export function answersAnew({ group }: RelayRoute, path: string): boolean {
  return group === 'front_door' || group === 'front_door_unknown' || ANSWERING.has(lenientPath(path) ?? '');
}

/** A path that an origin might read as another one. */
const AMBIGUOUS_PATH = /(?:^|\/)\.{1,2}(?:\/|$)|\/\/|\\|;|%(?:2e|5c|00)/i;

/** Whether an origin could resolve a path into another one (RFC 3986 section 5.2.4). An encoded slash is part of a name, but an origin may decode it before it resolves dots. */
export function isAmbiguousPath(path: string): boolean {
  return AMBIGUOUS_PATH.test(path.replaceAll(/%2f/gi, '/'));
}

const MAX_DECODINGS = 4;

/** A path as the most lenient origin could read it: decoded until nothing is left to decode, in small letters, without slashes at its end. `undefined` for one that cannot be decoded. */
export function lenientPath(path: string): string | undefined {
  let read = path;
  try {
    for (let round = 0; read.includes('%'); round += 1) {
      if (round === MAX_DECODINGS) return undefined;
      read = decodeURIComponent(read);
    }
  } catch {
    return undefined;
  }
  let { length } = read;
  while (read[length - 1] === '/') length -= 1;
  return read.slice(0, length).toLowerCase();
}
