const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** The index after the string that starts at `start`; a quote ends it unless an odd number of backslashes stands before it. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

/**
 * The names among `names` that the root object of a JSON text has more than once, compared decoded. Parsers disagree on
 * which of two members wins, so a relayed body with two models could pass a check that its upstream does not apply.
 * The text must be valid JSON.
 */
export function duplicateMembers(text: string, names: ReadonlySet<string>): readonly string[] {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  let depth = 0;
  for (let index = 0; index < text.length;) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      const end = endOfString(text, index);
      if (depth === 1 && isFollowedByColon(text, end)) {
        const name: string = JSON.parse(text.slice(index, end));
        if (seen.has(name) && names.has(name)) duplicates.add(name);
        if (names.has(name)) seen.add(name);
      }
      index = end;
      continue;
    }
    if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) depth -= 1;
    index += 1;
  }
  return [...duplicates];
}

function isFollowedByColon(text: string, start: number): boolean {
  let index = start;
  while (text.charCodeAt(index) <= 0x20) index += 1;
  return text.charCodeAt(index) === COLON;
}
