import { openRawConnection, statusOf } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import type { TestGateway } from '../start-test-gateway.ts';
import { entriesFor, OVERLOADED, startAnswering, startGroupGateway, type TestUpstream } from './two-upstreams.ts';

const BODY = '{"model":"claude-x","max_tokens":1,"messages":[]}';
const KEY = { api_key: 'the-key' };
const WITH_WORKSPACE = { kind: 'claude_platform_aws', region: 'us-east-1', workspace_id: 'wrkspc_1', credential: KEY };

/** Sends a message, or asks for batches, with just these fields, in their order and spelling; resolves with the status. */
async function askWith(gateway: TestGateway, fields: readonly string[], requestLine: string): Promise<number> {
  const connection = await openRawConnection(gateway.port);
  const body = requestLine.startsWith('GET') ? '' : BODY;
  const length = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  connection.send(`${requestLine} HTTP/1.1\r\nHost: localhost\r\n${fields.map((field) => `${field}\r\n`).join('')}${length}\r\n${body}`);
  const status = statusOf(await connection.readMessage({ kind: 'response' }));
  connection.close();
  return status;
}

/** What one upstream got of its last request, without the authority, which is the upstream's own. */
function fieldsAt({ requests }: TestUpstream): readonly (readonly [string, string])[] {
  const raw = requests.at(-1)?.rawHeaders ?? [];
  const pairs = Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2] ?? '', raw[index * 2 + 1] ?? ''] as const);
  return pairs.filter(([name]) => name.toLowerCase() !== 'host');
}

describe('several upstreams: the fields of the first try and of the second', () => {
  test.each([
    ['a client that sends none of ours', [], { credential: KEY }, 'POST /anthropic/v1/messages', {}],
    ['a client with credentials of its own', ['X-Api-Key: of the client', 'Authorization: Bearer of the client', 'Anthropic-Version: 2023-01-01'], { credential: KEY }, 'POST /anthropic/v1/messages', {}],
    ['repeated, nominated and unknown fields', ['anthropic-beta: one', 'X-Stainless-Lang: js', 'Connection: x-app', 'x-app: cli', 'anthropic-beta: two', 'Via: 1.1 before', 'X-Unknown: 1'], { credential: KEY }, 'POST /anthropic/v1/messages', {}],
    ['a bearer', ['Accept-Encoding: gzip', 'x-api-key: of the client'], { credential: { bearer: 'the-bearer' } }, 'POST /anthropic/v1/messages', {}],
    ['an upstream with a field beside its credential', ['Anthropic-Workspace-Id: of the client', 'Accept-Encoding: gzip'], WITH_WORKSPACE, 'POST /anthropic/v1/messages', {}],
    ['an answer that must be read', ['Accept-Encoding: gzip', 'Accept: */*'], { credential: KEY }, 'GET /anthropic/v1/messages/batches', { rewrite_batch_results_url: true }],
  ])('are those of one upstream, in their order and spelling (%s)', async (_name, fields, entry, requestLine, native) => {
    await using only = await startAnswering();
    await using first = await startAnswering();
    await using second = await startAnswering();
    const routing = { stateful: 'a' };
    await using single = await startGroupGateway(entriesFor([only.origin], [entry]), native);
    await using several = await startGroupGateway(entriesFor([first.origin, second.origin], [entry, entry]), { ...native, routing });
    expect(await askWith(single, fields, requestLine)).toBe(200);
    const expected = fieldsAt(only);
    expect(expected.map(([name]) => name)).toContain('via');
    expect(await askWith(several, fields, requestLine)).toBe(200);
    expect(fieldsAt(first)).toEqual(expected);
    // What refers to the state of an account has one upstream only.
    if (requestLine.startsWith('GET')) return;
    first.answer = OVERLOADED;
    expect(await askWith(several, fields, requestLine)).toBe(200);
    expect([fieldsAt(first), fieldsAt(second)]).toEqual([expected, expected]);
  });

  test('have the credential of each, where their upstreams differ', async () => {
    await using first = await startAnswering(OVERLOADED);
    await using second = await startAnswering(OVERLOADED);
    await using third = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin, third.origin], [{}, WITH_WORKSPACE, { credential: { bearer: 'the-bearer' } }]));
    expect(await askWith(gateway, ['x-api-key: of the client', 'anthropic-workspace-id: of the client'], 'POST /anthropic/v1/messages')).toBe(200);
    const ours = (upstream: TestUpstream): readonly unknown[] => fieldsAt(upstream).filter(([name]) => ['x-api-key', 'authorization', 'anthropic-workspace-id', 'via', 'content-length'].includes(name));
    const [via, length] = [['via', '1.1 penstock-test'], ['content-length', String(BODY.length)]];
    const client = ['anthropic-workspace-id', 'of the client'];
    expect([first, second, third].map(ours)).toEqual([
      [client, via, ['x-api-key', 'sk-ant-key-of-a'], length],
      [via, ['anthropic-workspace-id', 'wrkspc_1'], ['x-api-key', 'the-key'], length],
      [client, via, ['authorization', 'Bearer the-bearer'], length],
    ]);
  });
});
