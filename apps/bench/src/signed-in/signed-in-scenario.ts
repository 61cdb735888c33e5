import type { Scenario } from '../scenarios/scenario.ts';
import { describeSignedIn, runSignedIn, SIGNED_IN_PLAN } from './run-signed-in.ts';

/** The cost of a person's token beside that of a client's key. */
export const SIGNED_IN: Scenario = {
  name: 'signed-in',
  title: 'A person\'s token beside a client\'s key',
  async run({ rig, folder, isQuick, onProgress }) {
    const rows = await runSignedIn(rig, folder, isQuick ? { rounds: 6, turns: 2, sliceMs: 175, warmUpMs: 2_000 } : SIGNED_IN_PLAN, onProgress);
    return { report: describeSignedIn(rows), figures: rows };
  },
};
