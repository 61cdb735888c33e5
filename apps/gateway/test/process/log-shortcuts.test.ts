import { once } from 'node:events';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { logShortcuts } from '../../src/process/log-shortcuts.ts';

function testLogger(): { readonly logger: pino.Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return { lines, logger: pino({ base: null, timestamp: false }, { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>); } }) };
}

test('the log has one line for a shortcut that a package turns off, and none for other warnings', async () => {
  const { logger, lines } = testLogger();
  const stop = logShortcuts(logger, false);
  const warned = once(process, 'warning');
  process.emitWarning('@penstock/example: shortcut example is off: a test', { type: 'PenstockWarning', code: 'PENSTOCK_SHORTCUT_DISABLED' });
  await warned;
  const other = once(process, 'warning');
  process.emitWarning('another warning');
  await other;
  stop();
  expect(lines).toEqual([{ level: 40, code: 'shortcut_disabled', detail: '@penstock/example: shortcut example is off: a test', msg: 'a shortcut is off' }]);
});

test('the log says at the start that all shortcuts are off', () => {
  const { logger, lines } = testLogger();
  logShortcuts(logger, true)();
  expect(lines).toEqual([{ level: 30, msg: 'shortcuts are off (PENSTOCK_PLAIN)' }]);
});
