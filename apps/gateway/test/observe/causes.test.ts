import { expect, test } from 'vitest';
import { describeParts, mergePartConditions, type Condition } from '../../src/observe/causes.ts';

const failing = (since: number | undefined): Condition => ({ cause: 'limit_store_failing', party: 'native', since, detail: 'uncounted' });

test('parts of several processes: one condition a part, with the earliest beginning', () => {
  const other: Condition = { cause: 'side_absent', party: 'front_door' };
  expect(mergePartConditions([{ native_limits: failing(2_000) }, { native_limits: failing(1_000), front_door: other }, { native_limits: failing(undefined) }, {}])).toEqual({
    native_limits: failing(1_000), front_door: other,
  });
  expect(mergePartConditions([])).toEqual({});
});

test('the warnings of parts begin with the cause, and name party, detail and beginning', () => {
  expect(describeParts({ native_limits: failing(1_000) })).toEqual({
    native_limits: 'limit_store_failing: native has a store of client limits that fails (uncounted) since 00:00:01Z',
  });
});
