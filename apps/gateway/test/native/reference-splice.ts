import { Buffer } from 'node:buffer';

/** Where the JSON string of the top-level `model` stands in a body; written without the scanner under test, one character at a time. */
export function findModel(body: Buffer): { readonly start: number; readonly end: number } {
  const text = body.toString('latin1');
  let depth = 0;
  let isName = false;
  let name = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && isName) name = JSON.parse(body.subarray(at, end).toString()) as string;
      else if (depth === 1 && name === 'model') return { start: at, end };
      at = end - 1;
    } else if (character === '{' || character === '[') {
      depth += 1;
      isName = true;
    } else if (character === '}' || character === ']') depth -= 1;
    else if (character === ':') isName = false;
    else if (character === ',') isName = true;
  }
  throw new Error('the body has no model');
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  throw new Error('a string does not end');
}

/** The body with another JSON string in that place, made by copying. */
export function referenceSplice(body: Buffer, id: string): Buffer {
  const { start, end } = findModel(body);
  return Buffer.concat([body.subarray(0, start), Buffer.from(JSON.stringify(id)), body.subarray(end)]);
}
