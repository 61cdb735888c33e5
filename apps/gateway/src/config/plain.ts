/**
 * Whether everything that uses private parts of Node, undici and prom-client for speed is off: `PENSTOCK_PLAIN` is set, to anything but `0`. Read
 * once, because some of it is decided when modules are loaded; workers inherit the environment.
 */
export const PLAIN: boolean = !['', '0'].includes(process.env['PENSTOCK_PLAIN']?.trim() ?? '');
