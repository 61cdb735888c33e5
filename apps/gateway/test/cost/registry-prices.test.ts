import { findPrice, PRICES } from '@penstock/anthropic-usage';
import { BUILT_IN_MODEL_CAPABILITIES } from '@penstock/openai-front-door';
import { expect, test } from 'vitest';

/** Families of the registry whose members are not named: what is newer than the table has no price, and its requests are shown as unpriced. */
const FAMILIES = ['claude-*', 'claude-haiku-*', 'claude-sonnet-*', 'claude-3*', 'claude-*-4-9*'];

/** A member of each pattern that stands for several versions. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  'claude-3-5-*': ['claude-3-5-sonnet-20241022', 'claude-3-5-haiku-20241022'], 'claude-3-7-*': ['claude-3-7-sonnet-20250219'],
  'claude-*-4-5*': ['claude-opus-4-5-20251101', 'claude-sonnet-4-5', 'claude-haiku-4-5@20251001'], 'claude-opus-4-5*': ['claude-opus-4-5'],
  'claude-*-4-6*': ['claude-opus-4-6', 'claude-sonnet-4-6'], 'claude-*-4-7*': ['claude-opus-4-7'], 'claude-*-4-8*': ['claude-opus-4-8'],
};

test('every model of the front door\'s registry has a price with a source and a date', () => {
  const names = BUILT_IN_MODEL_CAPABILITIES.map(({ match }) => match).filter((match) => !FAMILIES.includes(match))
    .flatMap((match) => MEMBERS[match] ?? [match.replace('-20*', '-20260101').replace('@*', '@20260101')]);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => name.includes('*'))).toEqual([]);
  expect(names.filter((name) => findPrice(name, PRICES)?.source.startsWith('https://') !== true)).toEqual([]);
});

test('the newest models that their makers name have a price (a family row of the registry does not stand for one)', () => {
  for (const name of ['claude-fable-5-2', 'claude-fable-5-1', 'claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5']) expect([name, findPrice(name, PRICES)?.asOf]).toEqual([name, expect.stringMatching(/^2026-/) as string]);
});
