import { validateMessagesRequest } from '@penstock/anthropic-simulator';
import { BUILT_IN_MODEL_CAPABILITIES, capabilitiesOf, FrontDoorError, translateRequest } from '@penstock/openai-front-door';
import { assert, boolean, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
// The package's own generator of requests, so that there is one; here it meets the validator of another package.
import { chatRequest } from '../../../../packages/openai-front-door/test/support/request-generator.ts';

const REQUESTS = process.env['PENSTOCK_SLOW_BOUNDED'] === '1' ? 5_000 : 100_000;
const MODELS = ['claude-sonnet-4-5', 'claude-opus-4-6', 'claude-opus-5', 'claude-3-haiku-20240307', 'claude-unheard-of'];

/** What the front door leaves to the upstream by decision, which then answers with a 400 of its own. */
const LEFT_TO_UPSTREAM: ReadonlyMap<string, RegExp> = new Map([
  // Which call a result answers, and whether ids repeat, is the conversation's history.
  ['tool ids', /`tool_use` ids|`tool_use_id`|each tool_use must have a single result/],
  // Only the upstream can tell whether it signed or sealed a thought.
  ['thinking', /Invalid `signature` in `thinking` block|redacted_thinking\.data/],
  ['an assistant that begins', /first message must use the "user" role/],
]);

interface Block {
  readonly type: string;
}

/** The same request with what is left to the upstream put right, so that nothing else hides behind it. */
function withHistoryMended(body: string): unknown {
  const request = JSON.parse(body) as { messages: { role: string; content: string | Block[] }[] };
  for (const message of request.messages) {
    if (typeof message.content !== 'string') message.content = message.content.map(mendBlock);
  }
  if (request.messages[0]?.role === 'assistant') request.messages.unshift({ role: 'user', content: 'Hello' });
  return request;
}

function mendBlock(block: Block): Block {
  switch (block.type) {
    case 'tool_use': case 'tool_result': return { type: 'text', text: 'Hello' } as Block;
    case 'thinking': return { ...block, signature: 'c2lnbmVk' } as Block;
    case 'redacted_thinking': return { ...block, data: 'c2VhbGVk' } as Block;
    default: return block;
  }
}

test(`${REQUESTS} generated requests become Messages requests that the API takes, or a 400 that names its param (never a 500)`, () => {
  const tally = { accepted: 0, refused: 0, left: new Map([...LEFT_TO_UPSTREAM.keys()].map((reason) => [reason, 0])) };
  const seed = Date.now();
  assert(property(chatRequest, constantFrom(...MODELS), boolean(), (request, model, inline) => {
    const settings = {
      upstreamModel: model, capabilities: capabilitiesOf(BUILT_IN_MODEL_CAPABILITIES, model), defaultMaxTokens: 8192,
      laterSystemMessages: inline ? 'inline' as const : 'hoist' as const, jsonObjectFormat: 'reject' as const, reasoningContent: false,
    };
    let body: string;
    try {
      ({ body } = translateRequest(JSON.parse(JSON.stringify(request)) as Parameters<typeof translateRequest>[0], settings));
    } catch (error) {
      if (!(error instanceof FrontDoorError) || error.status !== 400 || error.param === undefined) throw error;
      tally.refused += 1;
      return;
    }
    const failure = validateMessagesRequest(JSON.parse(body));
    const [reason] = [...LEFT_TO_UPSTREAM].find(([, pattern]) => pattern.test(failure?.message ?? '')) ?? [];
    if (failure === undefined) tally.accepted += 1;
    else if (reason === undefined) throw new Error(`the API would refuse the translation: ${failure.message}\n${body}`);
    else {
      const other = validateMessagesRequest(withHistoryMended(body));
      if (other !== undefined) throw new Error(`the API would refuse the translation: ${other.message}\n${body}`);
      tally.left.set(reason, (tally.left.get(reason) ?? 0) + 1);
    }
  }), { numRuns: REQUESTS, seed });
  const left = [...tally.left.values()].reduce((sum, count) => sum + count, 0);
  console.info(`seed ${seed}: accepted ${tally.accepted}, refused with 400 ${tally.refused}, left to the upstream ${left} (${[...tally.left].map((entry) => entry.join(' ')).join(', ')})`);
  expect(tally.accepted + tally.refused + left).toBe(REQUESTS);
  expect(tally.accepted).toBeGreaterThan(REQUESTS / 20);
});
