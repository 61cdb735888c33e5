import { startScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import type { EffectiveBackend } from '../../src/config/front-door-backends.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { createBackend } from '../../src/front-door/create-backend.ts';

const WATCHER = { beginTrace: () => undefined, onHead: () => undefined, onStreamOpened: () => undefined, onStreamClosed: () => undefined, onDropped: () => undefined };

test('streamed requests to a backend hold their part of its pool, and each slot is a client\'s', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => { await connection.closed(); });
  const settings: EffectiveBackend = { name: 'local', kind: 'openai', base_url: `${upstream.origin}/v1`, allow_insecure_base_url: false, version: '2023-06-01', api_key: 'k' };
  const { openai_front_door: config } = gatewayConfigSchema.parse({ anthropic_native: { api_key: 'k' }, openai_front_door: { pool: { max_connections: 4, long_lived_share: 0.5 } } });
  const { backend, upstream: client } = createBackend(settings, config, { viaPseudonym: 'penstock-test', closeDelimitedCheck: () => undefined }, WATCHER);
  const never = new AbortController();
  const gone = new Error('client gone');
  async function* upload(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    await new Promise((_resolve, reject) => { never.signal.addEventListener('abort', () => { reject(gone); }); });
  }
  const send = (name: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<unknown> =>
    backend.send({ method: 'POST', path: '/v1/audio/transcriptions', headers: [], body, responseKind: 'opaque', client: name }, never.signal).catch((error: unknown) => error);
  const sent = [send('one', upload()), send('one', upload()), send('two', upload()), send('two', Buffer.from('whole'))];
  expect(client.stats()).toMatchObject({
    connecting: 3, waiting: 1, longLived: 2, maxLongLived: 2, clients: [{ client: 'one', held: 2, waiting: 0 }, { client: 'two', held: 1, waiting: 1 }],
  });
  never.abort(gone);
  expect(await Promise.all(sent)).toEqual([gone, gone, gone, gone]);
  expect(client.stats()).toMatchObject({ connecting: 0, waiting: 0, longLived: 0, clients: [] });
  await client.destroy();
});
