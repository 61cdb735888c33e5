import type { Buffer } from 'node:buffer';
import { asObject, type JsonObject } from './usage-fields.ts';

const START = '{"model":"';
const CONTENT = '"content":[';
const SEAM = '],"stop_reason":';
const FRONT_BYTES = 512;
const TAIL_BYTES = 2_048;

/**
 * Reads what a whole message says of itself from its two ends, where the API writes it: the model first, then the content, and behind it the stop
 * reason and the usage. What the model wrote stands between and is not looked at, which is most of the work with a body of any size. `undefined` for
 * a body of another form, which must be parsed. Members of the root have no object around them: the first of all is one, and so are those of a
 * text that a single brace closes, behind the last bracket of an array and up to the end.
 */
export function readMessageEnds(body: Buffer): JsonObject | undefined {
  const model = readModel(body.toString('latin1', 0, FRONT_BYTES));
  if (model === undefined) return undefined;
  const tail = body.toString('utf8', Math.max(0, body.length - TAIL_BYTES));
  const seam = tail.lastIndexOf(SEAM);
  if (seam === -1) return undefined;
  try {
    const members = asObject(JSON.parse(`{${tail.slice(seam + '],'.length)}`));
    return members?.['usage'] === undefined ? undefined : { model, ...members };
  } catch {
    return undefined;
  }
}

/** The model of a body that begins as a message does: nothing but plain texts before its content. */
function readModel(front: string): string | undefined {
  if (!front.startsWith(START)) return undefined;
  const content = front.indexOf(CONTENT);
  const end = front.indexOf('"', START.length);
  if (content === -1 || !PLAIN_MEMBERS.test(front.slice(end + 1, content))) return undefined;
  const model = front.slice(START.length, end);
  return PLAIN_TEXT.test(model) ? model : undefined;
}

const PLAIN_TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const PLAIN_MEMBERS = /^,"id":"[^"\\]*","type":"message","role":"assistant",$/;
