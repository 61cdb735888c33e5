/** The fields in which upstreams report the quota of the key that they know, in small letters. */
const QUOTA_FIELD = /^(?:anthropic-ratelimit|x-ratelimit)-/i;

/** Places of a field section of which it is remembered what stood there. */
const MOST_PLACES = 64;
/** The name that each place had last, and whether it is of the quota: an upstream sends its fields in one order, and a dozen names to test is more than all else that a budget does with an answer. */
const lastNames: string[] = Array.from({ length: MOST_PLACES }, () => '');
const wereQuota: boolean[] = Array.from({ length: MOST_PLACES }, () => false);

function isQuota(name: string, place: number): boolean {
  if (place >= MOST_PLACES) return QUOTA_FIELD.test(name);
  if (lastNames[place] === name) return wereQuota[place] as boolean;
  lastNames[place] = name;
  return wereQuota[place] = QUOTA_FIELD.test(name);
}

/** Takes the upstream's own quota out of flat header fields, in place: to a caller with a budget it would look like its own. */
export function removeQuota(headers: string[]): void {
  let kept = 0;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    if (isQuota(name, index / 2)) continue;
    headers[kept] = name;
    headers[kept + 1] = headers[index + 1] as string;
    kept += 2;
  }
  // One by one: a shorter `length` would be a call out of compiled code.
  while (headers.length > kept) headers.pop();
}
