import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** A way to a Redis that a test can cut after a command was carried out and before its reply came. */
export interface CuttableWire {
  readonly url: string;
  /** Cuts the connection instead of passing the next reply on. */
  cutAtNextReply(): void;
  /** Resolves when it was cut. */
  readonly cut: Promise<void>;
  /** How often a script went to the server so far. */
  sent(script: string): number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a wire to the Redis at `target`. */
export async function startCuttableWire(target: string): Promise<CuttableWire> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isCutting = false;
  let received = '';
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(target).port), '127.0.0.1');
    for (const socket of [client, upstream]) socket.on('error', () => undefined).on('close', () => { client.destroy(); upstream.destroy(); });
    client.on('data', (chunk) => {
      received += chunk.toString();
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!isCutting) {
        client.write(chunk);
        return;
      }
      isCutting = false;
      client.destroy();
      resolve();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAtNextReply: () => { isCutting = true; },
    cut: promise,
    sent: (script) => received.split(script).length - 1,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}
