import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateCountTokensRequest, validateMessagesRequest } from '../src/index.ts';

const block = fc.oneof(
  fc.record({ type: fc.constantFrom('text', 'image', 'tool_use', 'tool_result', 'thinking', 'document', 'fallback', 'x'), text: fc.jsonValue(), id: fc.jsonValue(), tool_use_id: fc.jsonValue(), source: fc.jsonValue(), content: fc.jsonValue(), signature: fc.jsonValue(), cache_control: fc.jsonValue() }, { requiredKeys: [] }),
  fc.jsonValue(),
);
const message = fc.oneof(fc.record({ role: fc.constantFrom('user', 'assistant', 'system', 'x'), content: fc.oneof(fc.string(), fc.array(block, { maxLength: 4 })) }, { requiredKeys: [] }), fc.jsonValue());
const request = fc.record({
  model: fc.oneof(fc.constantFrom('sim-text', 'claude-opus-5', 'claude-sonnet-4-5'), fc.jsonValue()), max_tokens: fc.oneof(fc.nat(), fc.jsonValue()), messages: fc.oneof(fc.array(message, { maxLength: 5 }), fc.jsonValue()),
  tools: fc.jsonValue(), tool_choice: fc.jsonValue(), thinking: fc.jsonValue(), system: fc.jsonValue(), metadata: fc.jsonValue(), output_config: fc.jsonValue(), stop_sequences: fc.jsonValue(), temperature: fc.jsonValue(), cache_control: fc.jsonValue(),
}, { requiredKeys: [] });

describe('validation of anything at all', () => {
  it('answers with a message or with nothing, and never throws', () => {
    fc.assert(fc.property(fc.oneof(request, fc.jsonValue()), fc.option(fc.string(), { nil: undefined }), (body, beta) => {
      for (const validate of [validateMessagesRequest, validateCountTokensRequest]) {
        const failure = validate(body, { 'anthropic-version': '2026-10-21', 'anthropic-beta': beta });
        if (failure !== undefined) expect(failure.message).not.toBe('');
      }
    }), { numRuns: 2_000 });
  });

  it('takes an image of 20 MB', () => {
    const data = 'A'.repeat(20 * 1024 * 1024);
    const source = { type: 'base64', media_type: 'image/png', data };
    expect(validateMessagesRequest({ model: 'sim-text', max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'image', source }] }] })).toBeUndefined();
  });
});
