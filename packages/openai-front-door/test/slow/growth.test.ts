import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createEventDecoder } from '../../src/messages-core/event-decoder.ts';
import { createStreamTranslator } from '../../src/chat/stream-translator.ts';
import { messageEvents, sseEvent } from '../support/messages-upstream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is still referenced: how late a collector comes depends on what else the machine does. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

it('translates a million events and 50,000 tool calls in flat memory (a stream may last for hours)', () => {
  const translator = createStreamTranslator({ includeUsage: true, wantsReasoning: false, usesLegacyFunctions: false, created: 1, maxThinkingChars: 1 });
  let written = 0;
  const decoder = createEventDecoder({ maxEventChars: 100_000, onData: (data) => { written += translator.translate(data).length; } });
  decoder.write(Buffer.from(messageEvents([]).split('event: message_delta')[0] ?? ''));
  const roundOf = (round: number): Buffer => Buffer.from(
    sseEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: `word ${round}` } }).repeat(20)
    + sseEvent({ type: 'content_block_start', index: round, content_block: { type: 'tool_use', id: `toolu_${round}`, name: 'a', input: {} } })
    + sseEvent({ type: 'content_block_stop', index: round }),
  );
  for (let round = 0; round < 5000; round += 1) decoder.write(roundOf(round));
  const before = heldBytes();
  for (let round = 5000; round < 50_000; round += 1) decoder.write(roundOf(round));
  expect(written).toBeGreaterThan(100_000_000);
  const held = heldBytes() - before;
  // Both parts are in use until then: what they hold was counted.
  decoder.write(roundOf(50_000));
  expect(held).toBeLessThan(64 * 1024 * 1024);
});
