import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

const KEY = 'pen_a-client-whose-tokens-are-limited';
const CHUNK = 'data: {"id":"1","model":"gpt-x","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n';

test.each([
  ['the bound that the request gave', { max_tokens: 700 }, 700],
  ['the bound of the configuration where it gave none', {}, 900],
])('an answer without usage charges %s (else nobody who streams without include_usage has a limit)', async (_what, bound, expected) => {
  const origin = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'text/event-stream'], `${CHUNK}data: [DONE]\n\n`)));
  await using gateway = await startTestGateway('http://127.0.0.1:1', {
    clients: [{ name: 'limited', key_sha256: createHash('sha256').update(KEY).digest('hex'), limits: { output_tokens_per_minute: expected } }],
    openai_front_door: { backends: [{ name: 'other', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'k' }], max_output_tokens: 900 },
  });
  const ask = async (more: object): Promise<number> => {
    const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'gpt-x', stream: true, messages: [{ role: 'user', content: 'Hi' }], ...more }),
    });
    await response.text();
    return response.status;
  };
  expect(await ask(bound)).toBe(200);
  await gateway.recorded(1);
  expect(await ask({ max_tokens: 1 })).toBe(429);
  await origin.close();
});
