import { expect, test } from 'vitest';
import { ROOT, run } from './workspace.ts';

test('the API reports are current (a change of the public surface shows in review)', () => {
  const { code, output } = run(process.execPath, ['scripts/api-report.mjs', '--check'], ROOT);
  expect(code, output).toBe(0);
});

test('the third-party notices are current, and every licence is one that may be shipped', () => {
  const { code, output } = run(process.execPath, ['scripts/third-party-notices.mjs', '--check'], ROOT);
  expect(code, output).toBe(0);
});
