import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createFastHistogram } from '../src/create-fast-histogram.ts';

const DECLARED = { name: 'x_seconds', help: 'How long: "x",\nper \\.', labelNames: ['a', 'b'], buckets: [0.1, 0.25, 1, 10] };
const COMBINATIONS = [{ a: 'plain', b: '' }, { a: 'a "quoted" \\ path', b: 'two\nlines' }, { a: 'ünï', b: 'é}={,' }];
const VALUES = [0, 0.1, 0.100001, 0.25, 0.5, 1, 9.999, 10, 10.1, 1e9];

/** Exemplars exist in the OpenMetrics format only, which the gateway does not speak. */
function withoutExemplars(metrics: unknown): unknown {
  return JSON.parse(JSON.stringify(metrics, (name, value: unknown) => (name === 'exemplar' ? undefined : value)));
}

function fill(observe: (labels: (typeof COMBINATIONS)[number], value: number) => void): void {
  for (const [index, labels] of COMBINATIONS.entries()) for (const value of VALUES.slice(index)) observe(labels, value);
}

describe.each([false, true])('a fast histogram (plain: %s)', (isPlain) => {
  it('is printed and handed out to the letter as prom-client does it, bounds, labels and all', async () => {
    const [registry, plainRegistry] = [new Registry(), new Registry()];
    const histogram = createFastHistogram(registry, { ...DECLARED, plain: isPlain });
    const plain = new Histogram({ ...DECLARED, registers: [plainRegistry] });
    fill((labels, value) => histogram.series(labels).observe(value));
    fill((labels, value) => plain.observe(labels, value));
    expect(await registry.metrics()).toBe(await plainRegistry.metrics());
    expect(withoutExemplars(await registry.getMetricsAsJSON())).toEqual(withoutExemplars(await plainRegistry.getMetricsAsJSON()));
  });

  it('is empty, not absent, for a combination that was asked for (rates start at 0), and empty again after a reset', async () => {
    const registry = new Registry();
    const histogram = createFastHistogram(registry, { ...DECLARED, plain: isPlain });
    const series = histogram.series({ a: 'a', b: 'b' });
    expect(histogram.series({ a: 'a', b: 'b' })).toBe(series);
    const empty = await registry.metrics();
    expect(empty).toContain('x_seconds_bucket{le="+Inf",a="a",b="b"} 0\n');
    expect(empty).toContain('x_seconds_count{a="a",b="b"} 0');
    series.observe(3);
    expect(await registry.metrics()).toContain('x_seconds_sum{a="a",b="b"} 3\n');
    registry.resetMetrics();
    expect(await registry.metrics()).toBe(empty);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %s (one would spoil the sum for good)', (value) => {
    const series = createFastHistogram(new Registry(), { ...DECLARED, plain: isPlain }).series({ a: 'a', b: 'b' });
    expect(() => series.observe(value)).toThrow('an observation must be a finite number');
  });
});
