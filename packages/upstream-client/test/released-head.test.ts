import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import type { Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { createUpstreamClient } from './plain.ts';

test('response head: a handler may release the fields it has read (a long response does not retain them)', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['x-a', '1'], 'body')));
  await using client = createUpstreamClient({ origin: upstream.origin });
  const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
  const seen: unknown[] = [];
  client.dispatch({ method: 'GET', path: '/' }, {
    onRequestStart: () => undefined,
    onResponseStart(controller: Dispatcher.DispatchController) {
      seen.push(Array.isArray(controller.rawHeaders) && controller.rawHeaders.length > 0);
      controller.rawHeaders = null;
    },
    onResponseData: (controller: Dispatcher.DispatchController) => { seen.push(controller.rawHeaders); },
    onResponseEnd: () => resolve(seen),
    onResponseError: (_controller: Dispatcher.DispatchController, error: Error) => reject(error),
  });
  expect(await promise).toEqual([true, null]);
});

test('frozen clocks of a request follow the client\'s own when these change (they are looked up once for each)', async () => {
  const silent = async (): Promise<void> => undefined;
  await using upstream = await startScriptedUpstream(silent);
  await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { headersMs: 50 } });
  const timeouts = Object.freeze({ idleMs: 1_000 });
  const ask = (): Promise<Error> => new Promise((resolve) => {
    client.dispatch({ method: 'GET', path: '/', timeouts }, {
      onRequestStart: () => undefined, onResponseStart: () => undefined, onResponseData: () => undefined, onResponseEnd: () => undefined,
      onResponseError: (_controller: unknown, error: Error) => resolve(error),
    });
  });
  expect(await ask()).toMatchObject({ code: 'headers_timeout' });
  const startedAt = performance.now();
  client.setTimeouts({ headersMs: 400 });
  expect(await ask()).toMatchObject({ code: 'headers_timeout' });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(399);
});
