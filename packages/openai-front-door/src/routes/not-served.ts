/*
 * What a client can do where a route of the OpenAI API has no counterpart in Claude's: an answer without a way out is read as a wrong base URL.
 */

const STORED = 'nothing is stored here: send the whole conversation with every request, with "store": false';
const KEPT_BY_ORIGIN = 'nothing is kept here under an id';
const ADMINISTERS = 'the account of the upstream is not administered here';
const NO_SOUND = 'Claude neither hears nor speaks';

/** Why an area is not served without an origin that has it, by the first segment behind `/v1`. */
const REASONS: Readonly<Record<string, string>> = Object.freeze({
  embeddings: 'Claude has no embeddings',
  completions: 'Claude has no legacy completions: use Chat Completions (LlamaIndex: is_chat_model=True)',
  moderations: 'Claude has no moderation endpoint',
  audio: NO_SOUND,
  realtime: `${NO_SOUND}, and there are no WebSockets here`,
  images: 'Claude makes no pictures',
  videos: 'Claude makes no videos',
  files: `${KEPT_BY_ORIGIN}: send a file inside its message, as file_data`,
  uploads: `${KEPT_BY_ORIGIN}: send a file inside its message, as file_data`,
  batches: `${KEPT_BY_ORIGIN}: send the requests one by one`,
  responses: STORED,
  conversations: STORED,
  chat: STORED,
  assistants: `${KEPT_BY_ORIGIN}: use Chat Completions or the Responses API`,
  threads: `${KEPT_BY_ORIGIN}: use Chat Completions or the Responses API`,
  prompts: `${KEPT_BY_ORIGIN}: send the text of a prompt`,
  vector_stores: KEPT_BY_ORIGIN,
  containers: KEPT_BY_ORIGIN,
  evals: KEPT_BY_ORIGIN,
  skills: KEPT_BY_ORIGIN,
  chatkit: KEPT_BY_ORIGIN,
  models: 'the models are those of the upstream, and cannot be deleted',
  'fine-tunes': ADMINISTERS,
  ...Object.fromEntries(['organization', 'organizations', 'projects', 'admin_api_keys', 'fine_tuning', 'usage', 'dashboard', 'billing', 'keys', 'key', 'credits', 'auth', 'users', 'audit_logs']
    .map((area) => [area, ADMINISTERS])),
});

/** Why a path under `/v1` is not served, if it is one of the OpenAI API. */
export function reasonNotServed(path: string): string | undefined {
  const [, , area = ''] = path.split('/', 3);
  return Object.hasOwn(REASONS, area) ? REASONS[area] : undefined;
}

/** The sentences behind "Unknown request URL": why a path is not served, what is, and the setting that changes it. */
export function describeNotServed(path: string, served: string, backends: string): string {
  const reason = reasonNotServed(path);
  const cause = reason === undefined ? '' : `${reason[0]?.toUpperCase()}${reason.slice(1)}. `;
  const origin = reason === undefined ? 'other routes of the OpenAI API need' : 'this route needs';
  return `${cause}${served} are served here; ${origin} a backend of kind "openai" in ${backends}.`;
}
