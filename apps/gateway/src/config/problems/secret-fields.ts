/** Fields whose value is secret wherever they stand. A store or proxy URL may carry a password. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(['api_key', 'bearer', 'bearer_file', 'bearer_command', 'access_key_id', 'secret_access_key', 'session_token', 'external_id', 'key', 'key_sha256', 'sha256', 'store', 'proxy', 'client_secret', 'session_keys', 'token', 'write_keys', 'read_keys']);

const KEY_LIKE = /(?:^|[^a-z])sk-|pen_[\w-]{16}|-----BEGIN|bearer\s|:\/\/[^/\s]*@/i;
/** Long, without spaces, with digits and letters: longer than any model's name. */
const TOKEN_LIKE = /(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])[\w+/=-]{32,}/i;
const LONGEST_SHOWN = 64;
/** A query or fragment: of a URL, or with a value. */
const HAS_QUERY = /:\/\/[^?#]*[?#]|[?#].*=/s;

/** Whether the last name of a path belongs to a secret. */
export function isSecretField(name: PropertyKey | undefined): boolean {
  return typeof name === 'string' && SECRET_FIELDS.has(name);
}

/** Whether a text is surely a secret by its form: a key of Anthropic's or ours, a bearer, PEM, or a URL with a password. */
export function isKeyLike(text: string): boolean {
  return KEY_LIKE.test(text);
}

/** Whether a text looks like a key, a token, PEM or a URL with a password, wherever it stands. */
export function looksSecret(text: string): boolean {
  return KEY_LIKE.test(text) || TOKEN_LIKE.test(text);
}

/** Names a value in a problem: a short literal, or only its kind where it may be secret. */
export function nameReceived(value: unknown, mayBeSecret: boolean): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (mayBeSecret) return value === '' ? 'an empty string' : `a ${typeof value} (hidden)`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  if (looksSecret(value)) return 'a string (hidden: it looks like a secret)';
  return quote(value);
}

/** A text without the query of a URL, which often holds a key of no known form. */
export function hideQuery(text: string): string {
  return HAS_QUERY.test(text) ? `${text.slice(0, text.search(/[?#]/) + 1)}…` : text;
}

/** Quotes a text of the file, never at length. */
function quote(text: string): string {
  const value = hideQuery(text);
  return value.length > LONGEST_SHOWN ? `a string of ${value.length} characters` : JSON.stringify(value);
}

/** Names a key of the file in a path, quoted when it is not a plain name. */
export function nameKey(key: string): string {
  if (/^[A-Za-z_$][\w-]{0,63}$/.test(key) && !looksSecret(key)) return key;
  if (looksSecret(key)) return '[a key that looks like a secret]';
  return `[${quote(key)}]`;
}

/** Writes a path as people read it: `clients[0].name`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let formatted = '';
  for (const step of path) {
    const name = typeof step === 'number' ? `[${step}]` : nameKey(String(step));
    formatted += name.startsWith('[') || formatted === '' ? name : `.${name}`;
  }
  return formatted;
}
