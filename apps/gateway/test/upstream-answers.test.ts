import { gzipSync } from 'node:zlib';
import { openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type WireMessage } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from './start-test-gateway.ts';

const MESSAGE = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } });
const CHAT = JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'local-1', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });

/** Each side of the gateway, and the whole answer of its upstream. */
const SIDES = {
  native: { path: '/anthropic/v1/messages', model: 'claude-x', answer: MESSAGE },
  translated: { path: '/v1/chat/completions', model: 'claude-x', answer: MESSAGE },
  relayed: { path: '/v1/chat/completions', model: 'local-1', answer: CHAT },
} as const;
type Side = keyof typeof SIDES;
const ALL_SIDES = Object.keys(SIDES) as Side[];

function startInFront(origin: string): Promise<TestGateway> {
  return startTestGateway(origin, {
    openai_front_door: {
      backends: [{ name: 'claude', kind: 'anthropic', base_url: origin, api_key: 'k' }, { name: 'local', kind: 'openai', base_url: `${origin}/v1`, api_key: 'k' }],
      models: [{ model: 'claude-*', backend: 'claude' }, { model: '*', backend: 'local' }],
    },
  });
}

async function ask(gateway: TestGateway, side: Side): Promise<WireMessage> {
  const { path, model } = SIDES[side];
  const body = JSON.stringify({ model, max_tokens: 5, messages: [{ role: 'user', content: 'x' }] });
  const client = await openRawConnection(gateway.port);
  client.send(`POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  try {
    return await client.readMessage({ kind: 'response' });
  } finally {
    client.close();
  }
}

/** What a side makes of an answer that only the end of its connection delimits. */
async function ending(side: Side, type: string, body: string | Uint8Array, field = ''): Promise<string> {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${field}\r\n`), Buffer.from(body as string)]));
  });
  await using gateway = await startInFront(upstream.origin);
  const response = await ask(gateway, side);
  const [record] = await gateway.recorded(1);
  return `${statusOf(response)} ${response.complete ? 'whole' : 'broken'} ${String(record?.['outcome'])}`;
}

describe.each(ALL_SIDES)('an answer of the upstream that ends with its connection, %s', (side) => {
  const { answer } = SIDES[side];

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/vnd.x+JSON'])('is whole where it is one JSON text (%s)', async (type) => {
    expect(await ending(side, type, `${answer} \n`)).toBe('200 whole ok');
  });

  test.each([
    ['in a text', answer.slice(0, answer.indexOf('hi') + 1)],
    ['before its last brace', answer.slice(0, -1)],
    ['before its first byte', ''],
    ['and goes on', `${answer}{`],
  ])('is broken where it is JSON that is not whole (%s)', async (_name, body) => {
    // What is translated was not begun yet: its client reads why.
    expect(await ending(side, 'application/json', body)).toMatch(side === 'translated' ? /^502 whole upstream_/ : /^200 broken upstream_truncated$/);
  });

  test('is broken where it is JSON that cannot be read', async () => {
    expect(await ending(side, 'application/json', gzipSync(answer), 'content-encoding: gzip\r\n')).toMatch(side === 'translated' ? /^502 whole upstream_/ : /^200 broken upstream_truncated$/);
  });
});

test('an answer of another type that ends with its connection is taken as it is (nothing tells its end)', async () => {
  expect(await ending('native', 'text/plain', 'half of an ans')).toBe('200 whole ok');
});

describe.each(ALL_SIDES)('an upstream that sends 100 Continue unasked, %s', (side) => {
  const { answer } = SIDES[side];
  const whole = wholeResponse(200, ['content-type', 'application/json'], answer);
  const times = (count: number): string => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(count);

  test.each([
    ['once', times(1), 200],
    ['with fields, and other 1xx', 'HTTP/1.1 100 Continue\r\nx-a: b\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 200],
    ['more often than may be', times(17), 502],
  ])('%s', async (_name, informational, status) => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      while (connection.end() === 'open') {
        if (!(await connection.nextRequest(60_000)).complete) return;
        connection.send(Buffer.concat([Buffer.from(informational), whole]));
      }
    });
    await using gateway = await startInFront(upstream.origin);
    for (let request = 0; request < 2; request += 1) {
      const client = await ask(gateway, side);
      // A native client may see the early hints first.
      expect([103, status]).toContain(statusOf(client));
    }
    expect(new Set((await gateway.recorded(2)).map((record) => record['status']))).toEqual(new Set([status]));
    expect(upstream.connections.length).toBe(status === 200 ? 1 : 2);
  });
});
