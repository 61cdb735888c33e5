/** Texts, and what gives a JSON text its structure; numbers and literals are passed over. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** A container that is open, and the key or index that is being read in it. */
interface Level {
  /** Absent in a list. */
  readonly keys: Set<string> | undefined;
  at: string | number;
}

/**
 * The paths of keys that stand twice in one object of a valid JSON text. `JSON.parse` takes the last one without a word (RFC 8259
 * section 4 leaves it open), so that one of the two values would have no effect.
 */
export function repeatedKeys(text: string): (readonly (string | number)[])[] {
  const repeated: (readonly (string | number)[])[] = [];
  const levels: Level[] = [];
  let lastText = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{') levels.push({ keys: new Set(), at: '' });
    else if (token === '[') levels.push({ keys: undefined, at: 0 });
    else if (token === '}' || token === ']') levels.pop();
    else if (token === ',') {
      if (typeof level?.at === 'number') level.at += 1;
    } else if (token !== ':') lastText = token;
    else if (level?.keys !== undefined) {
      level.at = JSON.parse(lastText) as string;
      if (level.keys.has(level.at)) repeated.push(levels.map(({ at }) => at));
      level.keys.add(level.at);
    }
  }
  return repeated;
}
