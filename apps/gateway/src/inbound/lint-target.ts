/** Why a request target was refused, or the path and query it consists of. */
export type LintedTarget =
  | { readonly ok: true; readonly path: string; readonly query: string }
  | { readonly ok: false; readonly message: string };

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Checks a request target before anything routes on it. A path that a server behind us could normalise into another one
 * (dot segments, empty segments, encoded dots and slashes, `;`, `#`, backslash) is refused, because otherwise
 * `/anthropic/v1/files/../organizations/x` would reach routes that are switched off, with our key (RFC 3986 section 6.2.2).
 *
 * An encoded slash is accepted in one place, the model id of `GET /v1/models/{id}`: OpenAI clients send `a/b` as `a%2Fb`.
 */
export function lintTarget(target: string): LintedTarget {
  if (target.charCodeAt(0) !== SLASH) return refuse('The request target must be in origin form: a path that begins with a slash.');
  const questionMark = target.indexOf('?');
  const path = questionMark === -1 ? target : target.slice(0, questionMark);
  if (target.includes('#')) return refuse('The request target contains a fragment.');
  const message = lintPath(path);
  return message === undefined ? { ok: true, path, query: questionMark === -1 ? '' : target.slice(questionMark) } : refuse(message);
}

function refuse(message: string): LintedTarget {
  return { ok: false, message };
}

function lintPath(path: string): string | undefined {
  if (path.includes('\\') || path.includes(';')) return 'The path contains a character that is not accepted.';
  if (path.includes('%')) {
    const message = lintEscapes(path);
    if (message !== undefined) return message;
  }
  if (path === '/') return undefined;
  let segmentStart = 1;
  for (let index = 1; index <= path.length; index += 1) {
    if (index !== path.length && path.charCodeAt(index) !== SLASH) continue;
    const length = index - segmentStart;
    if (length === 0) return 'The path contains an empty segment.';
    const isDots = path.charCodeAt(segmentStart) === DOT && (length === 1 || (length === 2 && path.charCodeAt(segmentStart + 1) === DOT));
    if (isDots) return 'The path contains a dot segment.';
    segmentStart = index + 1;
  }
  return undefined;
}

function lintEscapes(path: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(path)) return 'The path contains an incomplete percent-encoding.';
  if (/%(?:[01][0-9a-f]|7f)/i.test(path)) return 'The path contains an encoded control character.';
  const ambiguous = path.startsWith('/v1/models/') ? /%(?:25)*(?:2e|5c)|%(?:25)+2f/i : /%(?:25)*(?:2e|2f|5c)/i;
  return ambiguous.test(path) ? 'The path contains an encoded dot, slash or backslash.' : undefined;
}
