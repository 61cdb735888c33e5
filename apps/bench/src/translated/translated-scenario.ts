import type { Scenario } from '../scenarios/scenario.ts';
import { describeTranslated, runTranslated } from './run-translated.ts';

const QUICK = { rounds: 3, warmUpRounds: 3, windowMs: 700 } as const;
const WHOLE = { rounds: 15, warmUpRounds: 12, windowMs: 2_000 } as const;

/** The cost of a translated event beside that of a relayed one. */
export const TRANSLATED: Scenario = {
  name: 'translated',
  title: 'Translated events',
  async run({ rig, isQuick, rounds, onProgress }) {
    const row = await runTranslated(rig, { ...(isQuick ? QUICK : WHOLE), ...(rounds === undefined ? {} : { rounds }) }, onProgress);
    return { report: describeTranslated(row), figures: row };
  },
};
