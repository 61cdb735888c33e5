import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { CLIENTS, KEYS } from '../access/budgets/budget-world.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { STREAM } from './bedrock-stream.ts';
import { cloudSections, MESSAGE, post } from './cloud-gateway.ts';

const BEDROCK = '/bedrock/model/us.anthropic.claude-x-20250101-v1:0';
/** Paths that cost money, by the side that serves them. */
const PATHS = {
  native: '/anthropic/v1/messages',
  bedrock: `${BEDROCK}/invoke`,
  'streams of bedrock': `${BEDROCK}/invoke-with-response-stream`,
  vertex: '/vertex/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x@20250101:rawPredict',
  'the front door': '/v1/chat/completions',
} as const;
type Side = keyof typeof PATHS;
const SIDES = Object.keys(PATHS) as Side[];
const BODY = '{"model":"claude-x","anthropic_version":"x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}';

function ask(gateway: TestGateway, path: string, client: keyof typeof KEYS = 'capped'): Promise<Response> {
  return post(gateway, path, { authorization: `Bearer ${KEYS[client]}` }, BODY);
}

test.each(SIDES)('what a client spends at %s counts against its budget at every side', async (spent) => {
  await using cloud = await startScriptedUpstream(answerAlways(({ startLine }) => (startLine.includes('with-response-stream')
    ? wholeResponse(200, ['content-type', 'application/vnd.amazon.eventstream'], STREAM)
    : wholeResponse(200, ['content-type', 'application/json'], MESSAGE))));
  const gateway = await startTestGateway(cloud.origin, {
    clients: CLIENTS, prices: [{ model: '*', unit: 'usd_per_million_tokens', input: '0', output: '10000' }],
    // Seven tokens of output cost seven cents.
    budgets: [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 5 }],
    ...cloudSections(cloud.origin),
  }, { database: openSqliteDatabase(':memory:') });
  try {
    const first = await ask(gateway, PATHS[spent]);
    expect(first.status).toBe(200);
    await first.arrayBuffer();
    await gateway.recorded(1);
    const arrived = cloud.requests.length;

    const statuses = await Promise.all(SIDES.map(async (side) => [side, (await ask(gateway, PATHS[side])).status]));
    expect(Object.fromEntries(statuses)).toEqual(Object.fromEntries(SIDES.map((side) => [side, 429])));
    expect(cloud.requests).toHaveLength(arrived);
    // To count tokens costs nothing, and the other client has no budget.
    expect((await ask(gateway, `${BEDROCK}/count-tokens`)).status).toBe(200);
    expect((await ask(gateway, PATHS.bedrock, 'free')).status).toBe(200);
  } finally {
    await gateway.close();
  }
});
