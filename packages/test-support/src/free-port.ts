import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which Linux takes the ports of outbound connections (ip_local_port_range, 32768 and above): none of them can take one meanwhile. */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 100;

/**
 * A loopback port for a process that must be told its port. Drawn at random, because others may draw at the same time, and free a moment ago.
 * Throws after 100 ports that were in use.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT} in ${ATTEMPTS} attempts`);
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
