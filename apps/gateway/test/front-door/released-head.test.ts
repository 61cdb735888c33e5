import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startScriptedUpstream } from '@penstock/test-support';
import { expect, onTestFinished, test } from 'vitest';
import type { EffectiveBackend } from '../../src/config/front-door-backends.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { createBackend, type FieldWatcher, type FrontDoorBackend } from '../../src/front-door/create-backend.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test.each(['anthropic', 'openai'] as const)('an open stream of a backend holds no field of its head, neither as text nor as the bytes that were read (%s)', async (kind) => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-field: value\r\ntransfer-encoding: chunked\r\n\r\n');
    await connection.closed();
  });
  const held: WeakRef<object>[] = [];
  const watch = (message: unknown): void => { held.push(new WeakRef((message as { response: { headers: object } }).response.headers)); };
  subscribe('undici:request:headers', watch);
  onTestFinished(() => { unsubscribe('undici:request:headers', watch); });
  const watcher: FieldWatcher = {
    beginTrace: () => undefined, onStreamOpened: () => undefined, onStreamClosed: () => undefined, onDropped: () => undefined,
    onHead: (rawHeaders) => { held.push(new WeakRef(rawHeaders)); },
  };
  const settings: EffectiveBackend = { name: 'local', kind, base_url: upstream.origin, allow_insecure_base_url: false, version: '2023-06-01', api_key: 'k' };
  const { openai_front_door: config } = gatewayConfigSchema.parse({ anthropic_native: { api_key: 'k' } });
  const { backend, upstream: client } = createBackend(settings, config, { viaPseudonym: 'penstock-test', closeDelimitedCheck: () => undefined }, watcher);
  const body = await open(backend);
  expect(held).toHaveLength(2);
  await expect.poll(() => {
    collectGarbage();
    // The lists themselves would be kept by an assertion that failed.
    return held.map((list) => list.deref() === undefined);
  }).toEqual([true, true]);
  const reading = body[Symbol.asyncIterator]();
  const read = reading.next().catch((error: unknown) => (error as { code?: string }).code);
  await client.destroy();
  expect(await read).toBe('draining');
});

/** The body alone, as its reader holds it. */
async function open(backend: FrontDoorBackend['backend']): Promise<AsyncIterable<Uint8Array>> {
  const { body } = await backend.send({ method: 'POST', path: '/v1/messages', headers: [], body: Buffer.from('{}'), responseKind: 'event-stream' }, new AbortController().signal);
  return body;
}
