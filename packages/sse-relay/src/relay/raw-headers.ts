type HeaderSource = readonly (Buffer | string)[] | Readonly<Record<string, string | readonly string[] | undefined>> | null | undefined;

/**
 * Turns what an undici controller carries into one flat list of latin1 names and values. HTTP/1.1 gives buffers in wire
 * order, HTTP/2 an object. A list that is flat and decoded already is handed on.
 */
export function flatRawHeaders(source: HeaderSource): string[] {
  if (source === null || source === undefined) return [];
  if (isTextList(source)) return source;
  const flat: string[] = [];
  if (isList(source)) {
    // By index: an iterator costs an object for each part until the engine has optimised it away.
    for (let index = 0; index < source.length; index += 1) {
      const part = source[index] as Buffer | string;
      flat.push(typeof part === 'string' ? part : part.toString('latin1'));
    }
    return flat;
  }
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined) continue;
    for (const single of typeof value === 'string' ? [value] : value) flat.push(name, single);
  }
  return flat;
}

function isList(source: object): source is readonly (Buffer | string)[] {
  return Array.isArray(source);
}

function isTextList(source: object): source is string[] {
  if (!Array.isArray(source) || source.length === 0) return false;
  for (let index = 0; index < source.length; index += 1) if (typeof source[index] !== 'string') return false;
  return true;
}
