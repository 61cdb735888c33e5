import { describe, expect, test } from 'vitest';
import { CLOCK_SCENARIOS } from './clock-scenarios.ts';
import { CELLS, whyImpossible } from './fault-cells.ts';
import { IN_PROCESS_SCENARIOS } from './in-process-scenarios.ts';
import { PROCESS_CELLS } from './process-cells.ts';
import { runMatrix } from './run-matrix.ts';

/** Quick ones, of every party and phase: the slow suite has the rest. */
const SAMPLE = IN_PROCESS_SCENARIOS.filter(({ cell, world }, index) =>
  ['plain', 'refused', 'plaintext', 'untrusted', 'unresolvable'].includes(world) && !/stall|drip|huge|client\/settle/.test(cell) && index % 2 === 0);

describe('the fault matrix', () => {
  test('has, for every cell, either a scenario or the reason why there is none', () => {
    const covered = new Set([...IN_PROCESS_SCENARIOS, ...CLOCK_SCENARIOS].map(({ cell }) => cell).concat(PROCESS_CELLS));
    const possible = CELLS.filter((cell) => whyImpossible(cell) === undefined);
    expect(possible.filter((cell) => !covered.has(cell))).toEqual([]);
    expect([...covered].filter((cell) => whyImpossible(cell) !== undefined)).toEqual([]);
    console.log(`fault matrix: ${CELLS.length} cells, ${possible.length} possible, all with scenarios; ${CELLS.length - possible.length} named as impossible`);
  });

  test('sampled: the right outcome, the right answer, everything given back, and the next request is fine', async () => {
    const report = await runMatrix(SAMPLE);
    for (const skipped of report.skipped) console.warn(`fault matrix: SKIPPED ${skipped}`);
    console.log(`fault matrix (sampled): ${SAMPLE.length} scenarios, ${report.passed} right`);
    expect(report.problems).toEqual([]);
  });
});
