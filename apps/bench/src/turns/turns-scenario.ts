import type { Scenario } from '../scenarios/scenario.ts';
import { describeTurns } from './describe-turns.ts';
import { runTurns } from './run-turns.ts';

/** The longest turn of the event loop for each kind of costly input. */
export const TURNS: Scenario = {
  name: 'turns',
  title: 'Longest turn of the event loop',
  async run({ folder, isQuick, onProgress }) {
    const rows = await runTurns(folder, isQuick ? 1_000_000 : 32_000_000, onProgress);
    return { report: describeTurns(rows), figures: rows };
  },
};
