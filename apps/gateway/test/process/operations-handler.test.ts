import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createLifecycle } from '../../src/process/lifecycle.ts';
import { createOperationsHandler } from '../../src/process/operations-server.ts';

test('the operations handler serves metrics and probes below a path of another application\'s server', async () => {
  const lifecycle = createLifecycle(() => undefined);
  const operations = createOperationsHandler({
    host: '127.0.0.1', allowedHosts: [], lifecycle, warnings: () => ({}), scrape: () => Promise.resolve({ contentType: 'text/plain', text: 'a_metric 1\n' }),
  });
  const server = createServer((request, response) => {
    // As Express does for `app.use('/operations', …)`.
    request.url = (request.url ?? '').replace(/^\/operations/, '');
    operations.handle(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    operations.close();
    server.close();
    server.closeAllConnections();
  });
  const ask = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/operations${path}`);
    return [response.status, await response.text()];
  };
  expect(await ask('/metrics')).toEqual([200, 'a_metric 1\n']);
  expect((await ask('/livez'))[0]).toBe(200);
  expect((await ask('/readyz'))[0]).toBe(503);
  lifecycle.moveTo('running');
  expect((await ask('/readyz'))[0]).toBe(200);
  expect((await ask('/elsewhere'))[0]).toBe(404);
});
