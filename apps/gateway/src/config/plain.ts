/**
 * Whether everything that uses private parts of Node, undici and prom-client for speed is off, by the value of `PENSTOCK_PLAIN`: any but white
 * space and `0` turns it off.
 */
export function readPlain(value: string | undefined): boolean {
  return !['', '0'].includes(value?.trim() ?? '');
}

/** The same for this process. Read once, because some of it is decided when modules are loaded; workers inherit the environment. */
export const PLAIN: boolean = readPlain(process.env['PENSTOCK_PLAIN']);
