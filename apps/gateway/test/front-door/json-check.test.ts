import { openRawConnection, startScriptedUpstream, statusOf, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const MB = 1_000_000;

let silent: ScriptedUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  silent = await startScriptedUpstream(async (connection) => { await connection.closed(); });
  gateway = await startTestGateway(silent.origin, {
    openai_front_door: {
      backends: [{ name: 'claude', kind: 'anthropic', base_url: silent.origin, api_key: 'k' }, { name: 'other', kind: 'openai', base_url: `${silent.origin}/v1`, api_key: 'k' }],
      models: [{ model: 'claude-*', backend: 'claude' }, { model: '*', backend: 'other' }],
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await silent.close();
});

const head = (bytes: number, path = '/v1/chat/completions'): string => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
const BEGUN = '{"model":"claude-x","messages":[{"role":"user","content":"x"}],"y":';

async function refusalOf(text: string, path?: string): Promise<WireMessage> {
  const connection = await openRawConnection(gateway.port);
  connection.send(head(Buffer.byteLength(text), path) + text);
  const response = await connection.readMessage({ kind: 'response' });
  connection.close();
  return response;
}

describe.each(['/v1/chat/completions', '/v1/embeddings'])('a body for %s that is no JSON', (path) => {
  test('is refused before the rest of it comes, and nothing of it is kept (a 31 MB body held the process for seconds)', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(`${head(31 * MB, path)}${BEGUN}1e999 1e999 `);
    const response = await connection.readMessage({ kind: 'response' });
    expect([statusOf(response), response.body.toString()]).toEqual([400, expect.stringContaining(`not valid JSON (byte ${BEGUN.length + 6})`)]);
    await expect.poll(() => gateway.series('penstock_buffered_bytes{side="front_door"}')).toBe(0);
    connection.close();
  });

  test.each([
    ['a byte order mark in front (as on the native side)', '\ufeff{"model":"claude-x"}', 'byte 0'], ['no text at all', '  ', 'not valid JSON'], ['two texts', '{"model":"claude-x"}{}', 'byte 20'],
    ['a nesting of 2,000', `${BEGUN}${'['.repeat(2000)}${']'.repeat(2000)}}`, 'nested too deeply'], ['an open string', `${BEGUN}"${'x'.repeat(100_000)}`, 'not valid JSON'],
  ])('with %s is a 400 that says where and quotes nothing', async (_what, text, words) => {
    const response = await refusalOf(text, path);
    expect([statusOf(response), response.body.toString()]).toEqual([400, expect.stringContaining(words)]);
    expect(response.body.toString()).toContain('"code":"invalid_json"');
  });

  test('with bytes that are not UTF-8 is a 400', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(Buffer.concat([Buffer.from(`${head(12, path)}{"model":"`), Buffer.of(0xff, 0x22)]));
    expect((await connection.readMessage({ kind: 'response' })).body.toString()).toContain('not valid UTF-8');
    connection.close();
  });
});
