import { measureGrowth } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { translate } from '../support/translate.ts';

const call = (id: string): object => ({ role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'look_up', arguments: '{}' } }] });
const result = (id: string): object => ({ role: 'tool', tool_call_id: id, content: 'x' });
const USER = { role: 'user', content: 'Hello' };

it.each<[string, (index: number) => string]>([
  ['one id for all', () => 'call_1'],
  ['an id for each', (index) => `call_${index}`],
])('pairs calls in messages of their own, %s, in time that grows with their number (a hostile history must not hold the thread)', async (_what, idOf) => {
  const pairing = (count: number) => (): void => {
    const ids = Array.from({ length: count }, (_, index) => idOf(index));
    translate({ messages: [USER, ...ids.map(call), ...ids.map(result)] });
  };
  expect(await measureGrowth({ small: pairing(64), large: pairing(8_192), atMost: 768 })).toBeLessThan(768);
});
