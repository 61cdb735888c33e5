import { Buffer } from 'node:buffer';
import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { encodeFrame } from '@penstock/sse-relay';
import { startScriptedUpstream, type ScriptedConnection } from '@penstock/test-support';
import { expect, test, vi } from 'vitest';
import type { UsageDocument } from '../../src/access/budgets/describe-usage.ts';
import { CLIENTS, KEYS } from '../access/budgets/budget-world.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { cloudSections, post } from './cloud-gateway.ts';

const MODEL = 'claude-haiku-4-5';
const BODY = '{"anthropic_version":"x","max_tokens":32000,"stream":true,"messages":[{"role":"user","content":"Hi"}]}';
const START: readonly object[] = [
  { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: MODEL, content: [], stop_reason: null, usage: { input_tokens: 100, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
];
/** More than a cent's worth of text. */
const DELTA = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'word '.repeat(2_000) } };

function asSse(event: object): Buffer {
  return Buffer.from(`event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function asFrame(event: object): Buffer {
  const payload = JSON.stringify({ bytes: Buffer.from(JSON.stringify(event)).toString('base64') });
  return encodeFrame({ ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }, Buffer.from(payload));
}

function chunked(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

test.each([
  ['vertex', `/vertex/v1/projects/p1/locations/us-east5/publishers/anthropic/models/${MODEL}:streamRawPredict`, 'text/event-stream', asSse],
  ['bedrock', `/bedrock/model/us.anthropic.${MODEL}-v1:0/invoke-with-response-stream`, 'application/vnd.amazon.eventstream', asFrame],
] as const)('an open stream of %s that passes a budget stops the next request of its client', async (_side, path, type, encode) => {
  const connections: ScriptedConnection[] = [];
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connections.push(connection);
    const head = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`);
    connection.send(Buffer.concat([head, ...START.map((event) => chunked(encode(event)))]));
  });
  const budgets = [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 1 }];
  const gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, budgets, ...cloudSections(upstream.origin) }, { database: openSqliteDatabase(':memory:') });
  try {
    const headers = { authorization: `Bearer ${KEYS.capped}` };
    const open = await post(gateway, path, headers, BODY);
    expect(open.status).toBe(200);
    connections[0]?.send(chunked(encode(DELTA)));
    const usedCents = async (): Promise<number> => ((await (await fetch(`${gateway.anthropic}/api/oauth/usage`, { headers })).json()) as UsageDocument).extra_usage.used_credits;
    await vi.waitUntil(async () => await usedCents() >= 1, { timeout: 30_000, interval: 50 });
    expect((await post(gateway, path, headers, BODY)).status).toBe(429);
    expect(connections).toHaveLength(1);
    await open.body?.cancel();
  } finally {
    await gateway.close();
  }
});
