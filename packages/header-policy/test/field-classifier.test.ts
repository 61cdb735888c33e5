import { expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy } from '../src/index.ts';
import { createFieldClassifier, type FieldClassifier } from '../src/fields/field-classifier.ts';
import { traitsOf } from '../src/fields/field-traits.ts';
import { compileHeaderRules } from '../src/rules/compile-header-rules.ts';
import { forwarded } from './policy-support.ts';

const rules = compileHeaderRules(anthropicHeaderRules);

function countingClassifier(): { readonly classify: FieldClassifier; readonly computed: string[] } {
  const computed: string[] = [];
  const classify = createFieldClassifier((name) => {
    computed.push(name);
    return traitsOf(name, 'request', rules);
  });
  return { classify, computed };
}

test('field classifier: computes the traits of a spelling once', () => {
  const { classify, computed } = countingClassifier();
  for (let round = 0; round < 3; round += 1) {
    expect(classify('X-App')?.name).toBe('x-app');
    expect(classify('x-app')?.name).toBe('x-app');
  }
  expect(computed).toEqual(['x-app', 'x-app']);
});

test('field classifier: returns each name in its own spelling', () => {
  const { classify } = countingClassifier();
  for (const name of ['X-App', 'x-app', 'X-APP', '__proto__', '7', `x-${'Long'.repeat(32)}`]) {
    for (let round = 0; round < 3; round += 1) expect(classify(Buffer.from(name).toString('latin1'))?.spelling).toBe(name);
  }
  const policy = createHeaderPolicy(anthropicHeaderRules);
  const section = ['Content-Type', 'a', 'ANTHROPIC-Version', 'b', 'x-stainless-OS', 'c'];
  for (let round = 0; round < 2; round += 1) expect(forwarded(policy.forwardRequestHeaders(section)).headers).toEqual(section);
  for (let round = 0; round < 2; round += 1) expect(policy.forwardResponseHeaders(section).headers).toEqual(section);
});

test('field classifier: a guess is taken for its own spelling and for no other', () => {
  const { classify, computed } = countingClassifier();
  const guess = classify('X-App');
  expect(classify(Buffer.from('X-App').toString('latin1'), guess)).toBe(guess);
  for (const name of ['x-app', 'X-APP', 'X-Ap', 'X-Apps', 'X-Api']) expect(classify(name, guess)).toMatchObject({ spelling: name, name: name.toLowerCase() });
  for (const name of ['', 'x app', undefined]) expect(classify(name, guess)).toBeUndefined();
  expect(computed).toHaveLength(6);
});

test('header policy: a head is decided alike whatever heads came before it, with the same fields in other places and letters', () => {
  const section = ['Content-Type', 'a', 'x-api-key', 'secret', 'anthropic-version', 'b', 'Connection', 'close', 'x-stainless-os', 'c', 'via', '1.1 d'];
  const fields = section.length / 2;
  const sections = Array.from({ length: fields }, (_, turn) => [...section.slice(turn * 2), ...section.slice(0, turn * 2)].map((text, index) => (turn % 2 === 1 && index % 2 === 0 ? text.toUpperCase() : text)));
  const policy = createHeaderPolicy(anthropicHeaderRules);
  for (const head of [...sections, ...sections.toReversed(), section.slice(0, 4), ...sections]) {
    const fresh = createHeaderPolicy(anthropicHeaderRules);
    expect(policy.forwardRequestHeaders(head)).toEqual(fresh.forwardRequestHeaders(head));
    expect(policy.forwardResponseHeaders(head)).toEqual(fresh.forwardResponseHeaders(head));
  }
});

test('field classifier: caches no name over 64 characters, and at most 2,048 spellings (a client that invents names adds no memory)', () => {
  const { classify, computed } = countingClassifier();
  const long = `anthropic-${'x'.repeat(64)}`;
  classify(long);
  expect(classify(long)?.dropped).toBeUndefined();
  expect(computed).toHaveLength(2);
  const names = Array.from({ length: 50_000 }, (_, index) => `x-invented-${index}`);
  for (const name of names) classify(name);
  expect(computed).toHaveLength(2 + 50_000);
  for (const name of names) classify(name);
  expect(computed.length).toBeGreaterThanOrEqual(2 + 100_000 - 2_048);
});

test('field classifier: caches a name again after 10,000 invented ones filled its bucket', () => {
  const { classify, computed } = countingClassifier();
  for (let index = 0; index < 10_000; index += 1) classify(`x-${index}-app`);
  classify('x-app');
  const worked = computed.length;
  for (let round = 0; round < 10; round += 1) classify('x-app');
  expect(computed).toHaveLength(worked);
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
