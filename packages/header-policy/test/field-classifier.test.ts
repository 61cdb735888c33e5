import { expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy } from '../src/index.ts';
import { createFieldClassifier } from '../src/fields/field-classifier.ts';
import { traitsOf, type FieldTraits } from '../src/fields/field-traits.ts';
import { compileHeaderRules } from '../src/rules/compile-header-rules.ts';
import { forwarded } from './policy-support.ts';

const rules = compileHeaderRules(anthropicHeaderRules);

function countingClassifier(): { readonly classify: (name: string) => FieldTraits | undefined; readonly computed: string[] } {
  const computed: string[] = [];
  const classify = createFieldClassifier((name) => {
    computed.push(name);
    return traitsOf(name, 'request', rules);
  });
  return { classify, computed };
}

test('works a spelling out once', () => {
  const { classify, computed } = countingClassifier();
  for (let round = 0; round < 3; round += 1) {
    expect(classify('X-App')?.name).toBe('x-app');
    expect(classify('x-app')?.name).toBe('x-app');
  }
  expect(computed).toEqual(['x-app', 'x-app']);
});

test('never remembers a long name, and forgets all at 1,024 (a client that invents names costs no memory)', () => {
  const { classify, computed } = countingClassifier();
  const long = `anthropic-${'x'.repeat(64)}`;
  classify(long);
  expect(classify(long)?.dropped).toBeUndefined();
  expect(computed).toHaveLength(2);
  for (let index = 0; index < 1024; index += 1) classify(`x-invented-${index}`);
  expect(classify('x-invented-1023') === classify('x-invented-1023')).toBe(true);
  expect(computed).toHaveLength(2 + 1024);
  classify('one-more');
  classify('x-invented-0');
  expect(computed).toHaveLength(2 + 1024 + 2);
});

test('verdicts stay right while the memory is being overrun in the middle of a request', () => {
  const policy = createHeaderPolicy({ ...anthropicHeaderRules, maxRequestFields: 5000 });
  const flood = Array.from({ length: 2000 }, (_, index) => [`x-flood-${index}`, '1']).flat();
  const result = policy.forwardRequestHeaders(['x-api-key', 'k', 'Content-Type', 'a', ...flood, 'content-type', 'b']);
  expect(result).toMatchObject({ ok: false, violation: { code: 'duplicate_singleton' } });
  const { headers, dropped } = forwarded(policy.forwardRequestHeaders(['accept', '1', ...flood, 'Accept', '2', 'user-agent', '3'], { set: ['accept', 'ours'] }));
  expect(headers).toEqual(['user-agent', '3', 'accept', 'ours']);
  expect(dropped).toHaveLength(2002);
});
