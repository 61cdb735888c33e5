const COLON = 58;
const SPACE = 32;

/**
 * Where the value of a line `name: value` starts, or -1 when the line has another name. A line that is the bare name has an
 * empty value; one space after the colon belongs to neither (WHATWG HTML section 9.2.6).
 */
export function fieldValueStart(bytes: Uint8Array, start: number, end: number, name: Uint8Array): number {
  const { length } = name;
  const nameEnd = start + length;
  if (nameEnd > end) return -1;
  for (let index = 0; index < length; index += 1) {
    if (bytes[start + index] !== name[index]) return -1;
  }
  if (nameEnd === end) return end;
  if (bytes[nameEnd] !== COLON) return -1;
  const valueStart = nameEnd + 1;
  return valueStart < end && bytes[valueStart] === SPACE ? valueStart + 1 : valueStart;
}
