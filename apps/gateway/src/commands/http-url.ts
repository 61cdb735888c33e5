import { InvalidArgumentError } from 'commander';

/** Reads the value of a flag that names a server. */
export function httpUrl(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) throw new InvalidArgumentError('It must be an http:// or https:// URL.');
  return text;
}
