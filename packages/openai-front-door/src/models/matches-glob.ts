/**
 * Whether a pattern, in which `*` stands for any run of characters, covers a whole text. Case counts. Linear in the text's length for each `*`.
 *
 * Packages and sides that import no other have a copy of this file each; a test compares them.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const tail = rest.pop() ?? '';
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let offset = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, offset);
    if (found === -1 || found + part.length > end) return false;
    offset = found + part.length;
  }
  return true;
}
