import { contains } from './find-problems.ts';
import { valueAt, type ConfigPath } from './explain-issues.ts';
import { formatPath } from './secret-fields.ts';
import { duplicates, showText } from '../rules/naming-rules.ts';
import type { ConfigProblem } from '../config-error.ts';

/** Lists whose entries have distinct names. */
const NAMED_LISTS: readonly ConfigPath[] = [['clients'], ['openai_front_door', 'backends']];

/**
 * Names that stand twice in a list of which an entry has another problem: the rules that compare entries skip such a list, because an entry may be
 * missing from it. Names are read as they stand in the document, so that one run lists all of its problems.
 */
export function findRepeatedNames(document: unknown, broken: readonly string[]): ConfigProblem[] {
  return NAMED_LISTS.flatMap((list) => {
    const path = formatPath(list);
    const entries = valueAt(document, list);
    if (!Array.isArray(entries) || !broken.some((other) => other !== path && contains(path, other))) return [];
    const named = entries.flatMap((entry: unknown, index) => {
      const name = valueAt(entry, ['name']);
      return typeof name === 'string' ? [{ name, at: `${path}[${index}].name` }] : [];
    });
    return duplicates(named.map(({ name }) => name), (index) => named[index]?.at ?? path, showText).filter(({ path: at }) => !broken.includes(at));
  });
}
