import { expect, test } from 'vitest';
import { mergeHealth, type HealthPart } from '../../src/pipe/health-part.ts';

function part(changes: Partial<HealthPart>, active = 0): HealthPart {
  const pool = { max_connections: 10, max_keepalive_connections: 5, max_waiting: 50, open: active, active, idle: 0, connecting: 0, waiting: 0, long_lived: 0, max_long_lived: 2 };
  return { pool, answeredAt: 0, failedAt: 0, isFailing: false, ...changes };
}

test('the health of several workers: pools add up, and the latest that any of them saw decides', () => {
  const own = part({ answeredAt: 1_000 }, 3);
  expect(mergeHealth(own, [])).toEqual(own);
  expect(mergeHealth(own, [part({ failedAt: 2_000, isFailing: true }, 4)])).toMatchObject({ pool: { max_connections: 20, active: 7 }, answeredAt: 1_000, failedAt: 2_000, isFailing: true });
  expect(mergeHealth(own, [part({ failedAt: 500, isFailing: true })])).toMatchObject({ isFailing: false });
});
