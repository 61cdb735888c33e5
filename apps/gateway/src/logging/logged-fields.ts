/** Request fields that the access log names. */
export interface LoggedFields {
  session_id?: string;
  agent_id?: string;
  parent_agent_id?: string;
  traceparent?: string;
}

/** Request fields that identify a conversation, never a person or a secret. */
const LOGGED_FIELDS: Readonly<Record<string, keyof LoggedFields>> = {
  'x-claude-code-session-id': 'session_id',
  'x-claude-code-agent-id': 'agent_id',
  'x-claude-code-parent-agent-id': 'parent_agent_id',
  traceparent: 'traceparent',
};

const NOTHING: LoggedFields = Object.freeze({});
const SHORTEST_LONG_NAME = 22;

/** Long enough for a traceparent and any id; a client cannot fill the disk with one field. */
const LOGGED_VALUE = /^[\w.:-]{1,128}$/;

/** Reads what the access log says of a request's fields. */
export function readLoggedFields(rawHeaders: readonly string[]): LoggedFields {
  let fields: LoggedFields | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 'traceparent'.length && name.length < SHORTEST_LONG_NAME) continue;
    const field = LOGGED_FIELDS[name.toLowerCase()];
    const value = rawHeaders[index + 1] as string;
    if (field === undefined || !LOGGED_VALUE.test(value)) continue;
    fields ??= {};
    fields[field] = value;
  }
  return fields ?? NOTHING;
}
