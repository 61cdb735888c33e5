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

test('works a spelling out once', () => {
  const { classify, computed } = countingClassifier();
  for (let round = 0; round < 3; round += 1) {
    expect(classify('X-App')?.name).toBe('x-app');
    expect(classify('x-app')?.name).toBe('x-app');
  }
  expect(computed).toEqual(['x-app', 'x-app']);
});

test('a name crosses as it was spelled, and as the same text each time (what looks it up has hashed it)', () => {
  const { classify } = countingClassifier();
  for (const name of ['X-App', 'x-app', 'X-APP', '__proto__', '7', `x-${'Long'.repeat(32)}`]) {
    for (let round = 0; round < 3; round += 1) expect(classify(Buffer.from(name).toString('latin1'), round)?.spelling).toBe(name);
  }
  const policy = createHeaderPolicy(anthropicHeaderRules);
  const section = ['Content-Type', 'a', 'ANTHROPIC-Version', 'b', 'x-stainless-OS', 'c'];
  for (let round = 0; round < 2; round += 1) expect(forwarded(policy.forwardRequestHeaders(section)).headers).toEqual(section);
  for (let round = 0; round < 2; round += 1) expect(policy.forwardResponseHeaders(section).headers).toEqual(section);
});

test('never remembers a long name, and of invented ones at most 2,048 (a client that invents names costs no memory)', () => {
  const { classify, computed } = countingClassifier();
  const long = `anthropic-${'x'.repeat(64)}`;
  classify(long, 0);
  expect(classify(long, 0)?.dropped).toBeUndefined();
  expect(computed).toHaveLength(2);
  const names = Array.from({ length: 50_000 }, (_, index) => `x-invented-${index}`);
  for (const [place, name] of names.entries()) classify(name, place);
  expect(computed).toHaveLength(2 + 50_000);
  for (const [place, name] of names.entries()) classify(name, place);
  expect(computed.length).toBeGreaterThanOrEqual(2 + 100_000 - 2_048 - 48);
});

test('an honest name is known again at once, however many were invented to fall where it falls', () => {
  const { classify, computed } = countingClassifier();
  for (let index = 0; index < 10_000; index += 1) classify(`x-${index}-app`);
  classify('x-app');
  const worked = computed.length;
  for (let round = 0; round < 10; round += 1) classify('x-app');
  expect(computed).toHaveLength(worked);
});

test('a name is what it says and not what stood in its place before', () => {
  const { classify } = countingClassifier();
  const sections = [['host', 'x-api-key', 'accept'], ['x-api-key', 'host', 'Accept'], ['accept', 'accept', 'x-api-kez'], ['hosT', 'not a name', 'x-api-key']];
  for (let round = 0; round < 3; round += 1) {
    for (const section of sections) expect(section.map((name, place) => classify(name, place)?.name)).toEqual(section.map((name) => (name.includes(' ') ? undefined : name.toLowerCase())));
  }
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
