import { expect, test } from 'vitest';
import { describeLatency, type LatencyRow } from '../../src/latency/latency-scenario.ts';

const interval = (median: number): LatencyRow['p50'] => ({ median, low: median - 0.1, high: median + 0.1, coverage: 0.95 });

test('the table of latencies: shows each situation with its interval, and names failures', () => {
  const report = describeLatency([
    { situation: 'nothing else (control)', p50: interval(1), p99: interval(1.2), failures: 0 },
    { situation: 'front door saturated', p50: interval(1.1), p99: interval(1.5), failures: 3 },
  ]);
  expect(report).toContain('| nothing else (control) | 1.00 × (0.90 to 1.10) | 1.20 × (1.10 to 1.30) |');
  expect(report).toContain('| front door saturated (3 failures) | 1.10 × (1.00 to 1.20) | 1.50 × (1.40 to 1.60) |');
});
