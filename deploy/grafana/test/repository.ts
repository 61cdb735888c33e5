import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether `promtool` can be run; what needs it is skipped with a word otherwise. */
export const HAS_PROMTOOL: boolean = spawnSync('promtool', ['--version']).status === 0;

/** Put behind the name of a test that needs promtool. */
export const PROMTOOL_NOTE: string = HAS_PROMTOOL ? '' : ' (skipped: promtool is not installed)';

/** Reads a file of the repository. */
export function readRepositoryFile(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}

/** The names that docs/metrics.md lists; another test holds that page against the registry. */
export function documentedMetrics(): ReadonlySet<string> {
  return new Set(Array.from(readRepositoryFile('docs/metrics.md').matchAll(/^\| `(penstock_\w+)` \|/gm), ([, name = '']) => name));
}

/** The metrics that an expression selects, without the suffixes of histograms. */
export function selectedMetrics(expression: string): string[] {
  return Array.from(expression.matchAll(/\bpenstock_\w+/g), ([name]) => name.replace(/_(bucket|sum|count)$/, ''));
}
