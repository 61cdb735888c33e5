import { expect, test } from 'vitest';
import { ROOT, run } from './workspace.ts';

test('the API reports are current (a change of the public surface shows in review)', () => {
  const { code, output } = run(process.execPath, ['scripts/api-report.mjs', '--check'], ROOT);
  expect(code, output).toBe(0);
});
