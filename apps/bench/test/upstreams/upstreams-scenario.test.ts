import { expect, test } from 'vitest';
import { describeUpstreams, type UpstreamsRow } from '../../src/upstreams/upstreams-scenario.ts';

const row = (name: string, cpuMicroseconds: number, more?: number): UpstreamsRow => (
  { name, cpuMicroseconds, more: more === undefined ? undefined : { median: more, low: more - 1, high: more + 1, coverage: 0.95 }, problem: undefined });

test('the table of several upstreams: shows what each costs more, beside both gateways with one', () => {
  const report = describeUpstreams([row('base_url and api_key', 99), row('a list of four', 104, 4), row('base_url and api_key (control)', 101)]);
  expect(report).toContain('| a list of four | 104.0 | 4.0 (3.0 to 5.0) | 4.0 % (3.0 % to 5.0 %) |');
  expect(report).toContain('needed 1.020 × the first.');
});

test('the table of several upstreams: a run whose control is off is void, and a contender that failed is named', () => {
  const failed: UpstreamsRow = { name: 'a list of one', cpuMicroseconds: Number.NaN, more: undefined, problem: '3 failures' };
  const report = describeUpstreams([row('base_url and api_key', 100), failed, row('base_url and api_key (control)', 140)]);
  expect(report).toContain('| a list of one | failed: 3 failures | | |');
  expect(report).toContain('**this run is void**');
});
