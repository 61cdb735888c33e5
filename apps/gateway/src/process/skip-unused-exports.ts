/** Exports of `node:http` that the gateway does not use. Each is an accessor that loads the copy of undici inside Node. */
const UNUSED = ['WebSocket', 'CloseEvent', 'MessageEvent'] as const;

/**
 * Keeps the copy of undici inside Node, and the web streams that it needs, from being loaded: 2.5 MB of each process. The first `import` of `node:http` reads
 * each of its enumerable exports, also those that nothing names, so this is called before it, and the programs import everything else
 * dynamically. The accessors stay: `http.WebSocket`, the global `WebSocket` and `fetch` work as before, and load it when they are used.
 */
export function skipUnusedExports(): void {
  const http = process.getBuiltinModule('node:http');
  for (const name of UNUSED) {
    if (Object.getOwnPropertyDescriptor(http, name)?.configurable === true) Object.defineProperty(http, name, { enumerable: false });
  }
}
