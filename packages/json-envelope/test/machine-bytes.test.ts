import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { assembleMachine, machineSource } from '../machine/assemble-machine.ts';

it('carries the machine that its sources make (run `npm run assemble` after a change)', async () => {
  const carried = readFileSync(new URL('../src/machine-bytes.ts', import.meta.url), 'utf8');
  expect(carried).toBe(machineSource(await assembleMachine()));
});
