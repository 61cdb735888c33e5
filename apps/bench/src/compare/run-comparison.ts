import { fileURLToPath } from 'node:url';
import { describeWorkload } from '../report/print-table.ts';
import type { BenchRig } from '../workloads/bench-rig.ts';
import { buildBase } from './build-base.ts';
import { compareWithBase } from './compare-with-base.ts';
import { findBase } from './find-base.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** What is compared, and where the base is built. */
export interface ComparisonOptions {
  readonly folder: string;
  /** A commit; absent: the merge base with the main branch. */
  readonly base: string | undefined;
  readonly onProgress: (text: string) => void;
}

/** Builds the base and compares this build with it. A base that cannot be had is no failure: the report names the reason. */
export async function runComparison(rig: BenchRig, { folder, base, onProgress }: ComparisonOptions): Promise<{ readonly report: string; readonly hasRegressed: boolean }> {
  const found = base === undefined ? await findBase(ROOT) : { commit: base };
  if ('missing' in found) return { report: `SKIPPED: comparison with the merge base: ${found.missing}`, hasRegressed: false };
  onProgress(`building ${found.commit.slice(0, 12)}`);
  const built = await buildBase(ROOT, found.commit, folder);
  if ('missing' in built) return { report: `SKIPPED: comparison with the merge base: ${built.missing}`, hasRegressed: false };
  const comparisons = await compareWithBase(rig, built.main, onProgress);
  const tables = comparisons.map(({ result }) => describeWorkload(result));
  const verdicts = comparisons.map(({ workload, outcome, launches, reason }) => `${outcome} ${workload}, ${launches} ${launches === 1 ? 'launch' : 'launches'}: ${reason}`);
  return { report: [...tables, `compared with ${found.commit.slice(0, 12)}`, ...verdicts].join('\n'), hasRegressed: comparisons.some(({ outcome }) => outcome === 'regressed') };
}
