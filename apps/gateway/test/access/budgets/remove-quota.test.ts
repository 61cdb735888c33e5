import { expect, it } from 'vitest';
import { removeQuota } from '../../../src/access/budgets/remove-quota.ts';

const QUOTA = ['anthropic-ratelimit-requests-limit', 'Anthropic-RateLimit-Unified-Status', 'x-ratelimit-limit', 'X-RATELIMIT-remaining'];
const OTHERS = ['date', 'anthropic-organization-id', 'anthropic-ratelimits', 'x-ratelimit', 'x-robots-tag', 'xx-ratelimit-limit', 'age', ''];

/** Flat fields of these names; each value is the name in brackets. */
const fieldsOf = (names: readonly string[]): string[] => names.flatMap((name) => [name, `(${name})`]);

function removed(names: readonly string[]): readonly string[] {
  const headers = fieldsOf(names);
  removeQuota(headers);
  return headers;
}

it("the upstream's quota is removed in any letters, and nothing else", () => {
  expect(removed([...OTHERS, ...QUOTA])).toEqual(fieldsOf(OTHERS));
  expect(removed(QUOTA)).toEqual([]);
  expect(removed(OTHERS)).toEqual(fieldsOf(OTHERS));
});

it('the quota is removed wherever it stands, whatever stood there in the answer before', () => {
  for (let shift = 0; shift < OTHERS.length; shift += 1) {
    const others = [...OTHERS.slice(shift), ...OTHERS.slice(0, shift)];
    for (const names of [[...QUOTA, ...others], [...others, ...QUOTA], others.flatMap((name, index) => [name, QUOTA[index % QUOTA.length] as string])]) {
      expect(removed(names)).toEqual(fieldsOf(others));
    }
  }
});

it('the quota is removed behind more fields than are remembered', () => {
  const many = Array.from({ length: 200 }, (_, index) => `x-field-${index}`);
  expect(removed([...many, ...QUOTA, 'last'])).toEqual(fieldsOf([...many, 'last']));
  expect(removed([...QUOTA, ...many])).toEqual(fieldsOf(many));
});
