import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createFastCounter } from '../src/create-fast-counter.ts';

const HELP = { name: 'x_total', help: 'What happened: "x",\nper \\.', labelNames: ['a', 'b'] };
const COMBINATIONS = [{ a: 'plain', b: '' }, { a: 'a "quoted" \\ path', b: 'two\nlines' }, { a: 'ünï', b: 'é}={,' }];

describe.each([false, true])('a fast counter (plain: %s)', (isPlain) => {
  it('is printed to the letter as prom-client prints a counter, whatever the labels contain', async () => {
    const [registry, plainRegistry] = [new Registry(), new Registry()];
    const counter = createFastCounter(registry, { ...HELP, plain: isPlain });
    const plain = new Counter({ ...HELP, registers: [plainRegistry] });
    for (const [index, labels] of COMBINATIONS.entries()) {
      counter.series(labels).value += index * 1.5;
      plain.inc(labels, index * 1.5);
    }
    expect(await registry.metrics()).toBe(await plainRegistry.metrics());
    expect(await registry.getMetricsAsJSON()).toEqual(await plainRegistry.getMetricsAsJSON());
  });

  it('exists at 0 without labels, and has one series a combination', async () => {
    const registry = new Registry();
    const counter = createFastCounter(registry, { name: 'y_total', help: 'y', plain: isPlain });
    expect(counter.series({})).toBe(counter.series({}));
    expect(await registry.metrics()).toBe('# HELP y_total y\n# TYPE y_total counter\ny_total 0\n');
  });

  it('divides when it is scraped: integers of a small unit add up exactly', async () => {
    const registry = new Registry();
    const counter = createFastCounter(registry, { name: 'z_dollars_total', help: 'z', divisor: 1e9, plain: isPlain });
    for (let index = 0; index < 10; index += 1) counter.series({}).value += 100_000_000;
    expect(await registry.metrics()).toContain('\nz_dollars_total 1\n');
  });
});
