import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OUTCOMES } from '../../src/request/request-record.ts';

const SOURCE = join(import.meta.dirname, '../../src');

test.each(OUTCOMES)('outcome %s is set by code outside of the tables of outcomes (one that nothing sets would be a row of zeros)', (outcome) => {
  const others = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !/request-record|observe\//.test(file));
  expect(others.filter((file) => new RegExp(`(?:outcome:|outcome =|\\?|:|return) '${outcome}'`).test(readFileSync(join(SOURCE, file), 'utf8')))).not.toEqual([]);
});
