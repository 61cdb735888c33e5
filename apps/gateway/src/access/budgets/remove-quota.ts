/** The fields in which upstreams report the quota of the key that they know, in small letters. */
const QUOTA_FIELD = /^(?:anthropic-ratelimit|x-ratelimit)-/i;

/** Few names begin so, and each answer has a dozen. */
function mayBeQuota(name: string): boolean {
  const first = name.charCodeAt(0) | SMALL;
  return first === LETTER_A || first === LETTER_X;
}

const SMALL = 0x20;
const LETTER_A = 0x61;
const LETTER_X = 0x78;

/** Takes the upstream's own quota out of flat header fields, in place: to a caller with a budget it would look like its own. */
export function removeQuota(headers: string[]): void {
  let kept = 0;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    if (mayBeQuota(name) && QUOTA_FIELD.test(name)) continue;
    headers[kept] = name;
    headers[kept + 1] = headers[index + 1] as string;
    kept += 2;
  }
  headers.length = kept;
}
