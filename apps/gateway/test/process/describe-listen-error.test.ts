import { createServer } from 'node:net';
import { once } from 'node:events';
import { freePort } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { describeListenError } from '../../src/process/describe-listen-error.ts';

/** What `listen` says about an address. */
async function listenError(host: string, port: number): Promise<unknown> {
  const server = createServer();
  const failed = once(server, 'error');
  server.listen(port, host);
  const [error] = await failed as [unknown];
  return error;
}

const config = (server: object, operations: object): ReturnType<typeof gatewayConfigSchema.parse> => gatewayConfigSchema.parse({ server, operations });

it('names the setting of a host that does not resolve', async () => {
  const error = await listenError('no-such-host.invalid', 8000);
  expect(await describeListenError(error, config({ host: 'no-such-host.invalid' }, {}))).toBe('no-such-host.invalid is a name that does not resolve: see server.host.');
  expect(await describeListenError(error, config({}, { host: 'no-such-host.invalid' }))).toBe('no-such-host.invalid is a name that does not resolve: see operations.host.');
});

it('listen error: names the listener also where both have the same port on different addresses', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const error = await listenError('127.0.0.1', port);
  expect(await describeListenError(error, config({ host: '127.0.0.1', port }, { host: '127.0.0.2', port }))).toContain('choose another server.port');
  expect(await describeListenError(error, config({ host: '127.0.0.2', port }, { host: '127.0.0.1', port }))).toContain('choose another operations.port');
  taken.close();
});

it('listen error: shows both ports that are taken, with the flags and free ports for both', async () => {
  const [one, two] = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')];
  await Promise.all([once(one, 'listening'), once(two, 'listening')]);
  const [port, operationsPort] = [one, two].map((server) => (server.address() as { port: number }).port) as [number, number];
  const both = config({ port }, { port: operationsPort });
  for (const taken of [port, operationsPort]) {
    const lines = (await describeListenError(await listenError('127.0.0.1', taken), both)).split('\n');
    expect(lines.slice(0, 2).toSorted()).toEqual([
      `127.0.0.1:${operationsPort} is in use by another process: choose another operations.port (--operations-port, PENSTOCK_OPERATIONS_PORT).`,
      `127.0.0.1:${port} is in use by another process: choose another server.port (--port, PENSTOCK_PORT).`,
    ].toSorted());
    const free = [/ --port (\d+)/, /--operations-port (\d+)/].map((flag) => Number(flag.exec(lines[2] ?? '')?.[1]));
    expect([...new Set([...free, port, operationsPort])]).toHaveLength(4);
    for (const suggested of free) {
      const server = createServer().listen(suggested, '127.0.0.1');
      await once(server, 'listening');
      server.close();
    }
  }
  one.close();
  two.close();
});

it('listen error: the other port is not named where it is free', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const text = await describeListenError(await listenError('127.0.0.1', port), config({ port }, { port: await freePort() }));
  expect(text).not.toContain('operations');
  taken.close();
});
