import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { describeListenError } from '../../src/process/run-options.ts';

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
  expect(describeListenError(error, config({ host: 'no-such-host.invalid' }, {}))).toBe('no-such-host.invalid is a name that does not resolve: see server.host.');
  expect(describeListenError(error, config({}, { host: 'no-such-host.invalid' }))).toBe('no-such-host.invalid is a name that does not resolve: see operations.host.');
});

it('listen error: names the listener also where both have the same port on different addresses', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const error = await listenError('127.0.0.1', port);
  expect(describeListenError(error, config({ host: '127.0.0.1', port }, { host: '127.0.0.2', port }))).toContain('choose another server.port');
  expect(describeListenError(error, config({ host: '127.0.0.2', port }, { host: '127.0.0.1', port }))).toContain('choose another operations.port');
  taken.close();
});
