import { createRequire } from 'node:module';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { buildConnector, Client, Dispatcher } from 'undici';
import { describe, expect, test } from 'vitest';
import * as parts from '../src/undici/undici-parts.ts';

const requireOf = createRequire(import.meta.url);

test('the parts of undici are the ones its index exports and works with (an instanceof of a caller must hold)', () => {
  expect(parts.Client).toBe(Client);
  expect(parts.Dispatcher).toBe(Dispatcher);
  expect(parts.buildConnector).toBe(buildConnector);
  expect(parts.Request).toBe(requireOf('undici/lib/core/request.js'));
  const symbols = requireOf('undici/lib/core/symbols.js') as Readonly<Record<string, symbol>>;
  expect(parts.kQueue).toBe(symbols['kQueue']);
  expect(parts.kParser).toBe(symbols['kParser']);
  expect([typeof parts.kQueue, typeof parts.kParser]).toEqual(['symbol', 'symbol']);
});

describe('the queue of an undici client', () => {
  test('ends with the request that was dispatched last, and with null when that is over', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, [], 'ok')));
    const client = new Client(upstream.origin);
    const queue = (client as unknown as Record<symbol, unknown[]>)[parts.kQueue] as unknown[];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    expect(queue).toEqual([]);
    client.dispatch({ path: '/', method: 'GET' }, {
      onRequestStart: () => undefined, onResponseStart: () => undefined, onResponseData: () => undefined,
      onResponseEnd: () => { resolve(); }, onResponseError: (_controller, error) => { reject(error); },
    });
    expect(queue.at(-1)).toBeInstanceOf(parts.Request);
    await promise;
    expect(queue.at(-1)).toBeNull();
    await client.destroy();
  });
});
