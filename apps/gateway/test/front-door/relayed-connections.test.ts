import { Agent, request } from 'node:http';
import { brotliCompressSync } from 'node:zlib';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

it('a compressed answer ends when its last byte was written, whatever of it is still being read (a client that sends its next request at once is not pipelining)', async () => {
  const text = JSON.stringify({ id: 'c', model: 'gpt-x', data: Array.from({ length: 20_000 }, (_, index) => index / 7), usage: { prompt_tokens: 5, completion_tokens: 7 } });
  await using origin = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json', 'content-encoding', 'br'], brotliCompressSync(text))));
  await using gateway = await startTestGateway('http://127.0.0.1:1', { openai_front_door: { backends: [{ name: 'other', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'k' }] } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = JSON.stringify({ model: 'gpt-x', messages: [{ role: 'user', content: 'Hi' }] });
  const statuses = new Set<number | undefined>();
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise<void>((resolve, reject) => {
      request({ port: gateway.port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (response) => {
        statuses.add(response.statusCode);
        response.resume().on('end', resolve).on('error', reject);
      }).on('error', reject).end(body);
    });
  }
  agent.destroy();
  const entries = await gateway.recorded(20);
  expect([[...statuses], entries.filter(({ usage_source }) => usage_source === 'final').length]).toEqual([[200], 20]);
});
