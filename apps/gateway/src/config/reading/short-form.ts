import { valueProblem, type ConfigProblem } from '../config-error.ts';
import { isFields, type Override } from './overrides.ts';

/** The keys of `anthropic_native` that name its one upstream, in place of a list. */
const SHORT_FORM: readonly string[] = ['base_url', 'api_key'];

function sectionWithList(document: unknown): Readonly<Record<string, unknown>> | undefined {
  const native = isFields(document) ? document['anthropic_native'] : undefined;
  if (!isFields(native)) return undefined;
  const { upstreams } = native;
  return Array.isArray(upstreams) && upstreams.length > 0 ? native : undefined;
}

/** The overrides without those of the one upstream, where the file lists several, and a warning for each: the environment of a shell often has them. */
export function withoutShortForm(overrides: readonly Override[], document: unknown): { readonly overrides: readonly Override[]; readonly unused: readonly string[] } {
  if (sectionWithList(document) === undefined) return { overrides, unused: [] };
  const isUnused = ({ path: [section, key = ''] }: Override): boolean => section === 'anthropic_native' && SHORT_FORM.includes(key);
  return {
    overrides: overrides.filter((override) => !isUnused(override)),
    unused: overrides.filter(isUnused).map(({ source }) => `${source} is not used: anthropic_native.upstreams lists the upstreams`),
  };
}

/** A problem for each key of the one upstream that stands in the file beside a list. */
export function shortFormProblems(document: unknown): readonly ConfigProblem[] {
  const native = sectionWithList(document);
  if (native === undefined) return [];
  return SHORT_FORM.filter((key) => native[key] !== undefined).map((key) => valueProblem(`anthropic_native.${key}`, 'absent beside anthropic_native.upstreams', 'a value'));
}
