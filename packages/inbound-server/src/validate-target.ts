/** Why a request target was refused, or the path and query it consists of. */
export type ValidatedTarget =
  | { readonly ok: true; readonly path: string; readonly query: string }
  | { readonly ok: false; readonly message: string };

/** Deviations from the strict rules; each is a path prefix or several, and only paths below have the deviation. */
export interface TargetOptions {
  /** One slash at the end of a path is removed. @defaultValue such a path is refused */
  readonly trailingSlashUnder?: string;
  /** `%2F` is accepted. @defaultValue such a path is refused */
  readonly encodedSlashUnder?: string | readonly string[];
}

const STRICT: TargetOptions = Object.freeze({});
const SLASH = 0x2f;
const DOT = 0x2e;
const NOT_A_PROXY = 'The request target must be in origin form, a path that begins with a slash: set this server as the base URL of the client, not as its proxy.';

/**
 * Checks a request target before anything routes on it. A path that a server behind us could normalise into another one
 * (dot segments, empty segments, encoded dots and slashes, `;`, `#`, backslash) is refused, because otherwise
 * `/public/../admin` would reach routes that are switched off (RFC 3986 section 6.2.2).
 *
 * `options` has the two deviations that clients of existing APIs need.
 */
export function validateTarget(target: string, options: TargetOptions = STRICT): ValidatedTarget {
  if (target.charCodeAt(0) !== SLASH) return refuse(/^https?:/i.test(target) ? NOT_A_PROXY : 'The request target must be in origin form: a path that begins with a slash.');
  const questionMark = target.indexOf('?');
  const path = questionMark === -1 ? target : target.slice(0, questionMark);
  if (target.includes('#')) return refuse('The request target contains a fragment.');
  const known = options.trailingSlashUnder !== undefined && path.endsWith('/') && path.startsWith(options.trailingSlashUnder) ? path.slice(0, -1) : path;
  const message = findPathProblem(known, options);
  return message === undefined ? { ok: true, path: known, query: questionMark === -1 ? '' : target.slice(questionMark) } : refuse(message);
}

function refuse(message: string): ValidatedTarget {
  return { ok: false, message };
}

function findPathProblem(path: string, options: TargetOptions): string | undefined {
  if (path.includes('\\') || path.includes(';')) return 'The path contains a character that is not accepted.';
  if (path.includes('%')) {
    const message = findEscapeProblem(path, options);
    if (message !== undefined) return message;
  }
  if (path === '/') return undefined;
  let segmentStart = 1;
  for (let index = 1; index <= path.length; index += 1) {
    if (index !== path.length && path.charCodeAt(index) !== SLASH) continue;
    const length = index - segmentStart;
    if (length === 0) return 'The path contains an empty segment: the base URL of this client ends in a slash, or the path does. Leave that slash out.';
    const isDots = path.charCodeAt(segmentStart) === DOT && (length === 1 || (length === 2 && path.charCodeAt(segmentStart + 1) === DOT));
    if (isDots) return 'The path contains a dot segment.';
    segmentStart = index + 1;
  }
  return undefined;
}

/**
 * What a second reader could decode into something else. Encoded letters and digits are the same path by RFC 3986 section
 * 6.2.2.2, but not to a router that compares texts; an encoded percent sign is for a reader that decodes twice.
 */
function findEscapeProblem(path: string, { encodedSlashUnder }: TargetOptions): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(path)) return 'The path contains an incomplete percent-encoding.';
  if (/%(?:[01][0-9a-f]|7f)/i.test(path)) return 'The path contains an encoded control character.';
  if (/%(?:2e|5c)/i.test(path) || (/%2f/i.test(path) && !isUnder(path, encodedSlashUnder))) return 'The path contains an encoded dot, slash or backslash.';
  if (/%(?:25|3b|23|3f)/i.test(path)) return 'The path contains an encoded "%", ";", "#" or "?".';
  if (/%(?:2d|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])/i.test(path)) return 'The path contains an encoded character that needs no encoding.';
  return isUtf8(path) ? undefined : 'The path contains a percent-encoding that is not UTF-8.';
}

function isUnder(path: string, prefixes: string | readonly string[] = []): boolean {
  return typeof prefixes === 'string' ? path.startsWith(prefixes) : prefixes.some((prefix) => path.startsWith(prefix));
}

/** Overlong forms (`%c0%ae` for a dot) are not UTF-8, and a reader that takes them anyway reads another path. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
