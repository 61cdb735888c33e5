/** Request fields that the access log names. */
export interface LoggedFields {
  session_id?: string;
  agent_id?: string;
  parent_agent_id?: string;
  traceparent?: string;
}

/** Request fields that identify a conversation, never a person or a secret; by their length, for nearly every field is none of them. */
const LOGGED_FIELDS: readonly (readonly [name: string, field: keyof LoggedFields] | undefined)[] = byLength([
  ['x-claude-code-session-id', 'session_id'],
  ['x-claude-code-agent-id', 'agent_id'],
  ['x-claude-code-parent-agent-id', 'parent_agent_id'],
  ['traceparent', 'traceparent'],
]);

const NOTHING: LoggedFields = Object.freeze({});

/** Long enough for a traceparent and any id; a client cannot fill the disk with one field. */
const LOGGED_VALUE = /^[\w.:-]{1,128}$/;

/** An id that an upstream chose, where it is plain. */
export function loggedId(id: string | undefined): string | undefined {
  return id !== undefined && LOGGED_VALUE.test(id) ? id : undefined;
}

/** Reads the request fields for the access log. */
export function readLoggedFields(rawHeaders: readonly string[]): LoggedFields {
  let fields: LoggedFields | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const candidate = LOGGED_FIELDS[name.length];
    if (candidate === undefined || name.toLowerCase() !== candidate[0]) continue;
    const value = rawHeaders[index + 1] as string;
    if (!LOGGED_VALUE.test(value)) continue;
    fields ??= {};
    fields[candidate[1]] = value;
  }
  return fields ?? NOTHING;
}

function byLength<Entry extends readonly [name: string, field: string]>(entries: readonly Entry[]): readonly (Entry | undefined)[] {
  const places: (Entry | undefined)[] = [];
  for (const entry of entries) {
    if (places[entry[0].length] !== undefined) throw new Error(`two logged fields have names of ${entry[0].length} characters`);
    places[entry[0].length] = entry;
  }
  return places;
}
