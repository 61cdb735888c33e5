import { expect, test } from 'vitest';
import { CLOCK_SCENARIOS } from '../../faults/clock-scenarios.ts';
import { IN_PROCESS_SCENARIOS } from '../../faults/in-process-scenarios.ts';
import { runMatrix } from '../../faults/run-matrix.ts';

test('every fault of clients, upstream, network and store has its outcome, gives everything back, and the next request is fine', async () => {
  const report = await runMatrix(IN_PROCESS_SCENARIOS);
  for (const skipped of report.skipped) console.warn(`fault matrix: SKIPPED ${skipped}`);
  console.log(`fault matrix: ${IN_PROCESS_SCENARIOS.length} scenarios in process, ${report.passed} right, ${report.skipped.length} skipped, ${report.problems.length} problems`);
  expect(report.problems).toEqual([]);
});

test('no phase looks at the wall clock', async () => {
  const report = await runMatrix(CLOCK_SCENARIOS, 1);
  console.log(`fault matrix: ${CLOCK_SCENARIOS.length} scenarios of a jumping clock, ${report.passed} right`);
  expect(report.problems).toEqual([]);
});
