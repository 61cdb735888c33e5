import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyNodeIsTooOld } from '../src/supported-node.ts';

test.each(['16.20.2', '18.20.8', '20.20.2', '22.4.0', '22.18.0'])('Node %s is refused by a sentence with the versions of the manifest', (version) => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { engines: { node: string } };
  expect(whyNodeIsTooOld(version)).toBe(`This package of @penstock needs Node ${engines.node}, and this is Node ${version}.`);
});

test.each(['22.19.0', '22.22.2', '24.14.1', '26.10.0', '100.0.0'])('Node %s is not refused', (version) => {
  expect(whyNodeIsTooOld(version)).toBeUndefined();
});

