/**
 * The row whose pattern covers a model id: the one with the most characters besides `*`, the first of several. `*` stands for any characters;
 * case counts. `undefined` where none covers it.
 */
export function findPrice<Row extends { readonly model: string }>(model: string, rows: readonly Row[]): Row | undefined {
  let best: Row | undefined;
  let bestLength = -1;
  for (const row of rows) {
    const parts = row.model.split('*');
    const length = row.model.length - parts.length + 1;
    if (length <= bestLength || !covers(parts, model)) continue;
    best = row;
    bestLength = length;
  }
  return best;
}

/** Linear in the id's length for each `*`. */
function covers([head = '', ...rest]: readonly string[], model: string): boolean {
  if (rest.length === 0) return head === model;
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
