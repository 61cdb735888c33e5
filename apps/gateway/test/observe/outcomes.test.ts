import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OUTCOMES } from '../../src/request/request-record.ts';
import { createTestMetrics } from './metrics/request-records.ts';

const SOURCE = join(import.meta.dirname, '../../src');

test.each(OUTCOMES)('outcome %s is set by code outside of the tables of outcomes (one that nothing sets would be a row of zeros)', (outcome) => {
  const others = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !/request-record|observe\//.test(file));
  expect(others.filter((file) => new RegExp(`(?:outcome:|outcome =|\\?|:|return) '${outcome}'`).test(readFileSync(join(SOURCE, file), 'utf8')))).not.toEqual([]);
});

test.each(Object.keys(createTestMetrics()))('gateway metrics: %s has a caller (a counter that nothing increments would be a row of zeros)', (method) => {
  const others = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !/create-gateway-metrics/.test(file));
  expect(others.filter((file) => new RegExp(`\\.${method}\\b|[{,] ${method}[ ,]`).test(readFileSync(join(SOURCE, file), 'utf8')))).not.toEqual([]);
});
