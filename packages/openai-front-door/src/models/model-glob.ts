/**
 * Whether a model name matches a pattern in which `*` stands for any run of characters. Case counts. Linear in the name's length for each `*`.
 *
 * Packages and sides that import no other have a copy of this file each; a test compares them.
 */
export function matchesModelGlob(pattern: string, model: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === model;
  const tail = rest.pop() ?? '';
  if (!model.startsWith(head) || model.length < head.length + tail.length || !model.endsWith(tail)) return false;
  const end = model.length - tail.length;
  let offset = head.length;
  for (const part of rest) {
    const found = model.indexOf(part, offset);
    if (found === -1 || found + part.length > end) return false;
    offset = found + part.length;
  }
  return true;
}
