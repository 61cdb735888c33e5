import { mergeOfGauge, type GaugeMerge } from './gauges.ts';
import { findStaleQuotas, isNeverStale } from './stale-quotas.ts';

/** One metric of an exposition: its comment lines, and its samples by name and labels. */
interface Family {
  readonly comments: readonly string[];
  readonly merge: GaugeMerge;
  readonly isCumulative: boolean;
  readonly samples: Map<string, number>;
}

function createFamily(help: string, type: string): Family {
  const [, , name = '', kind = ''] = type.split(' ');
  return {
    comments: help === '' ? [type] : [help, type],
    merge: kind === 'gauge' ? mergeOfGauge(name) ?? 'sum' : 'sum',
    isCumulative: kind === 'counter' || kind === 'histogram',
    samples: new Map(),
  };
}

function combine(merge: GaugeMerge, known: number, value: number): number {
  if (merge === 'sum') return known + value;
  return merge === 'min' ? Math.min(known, value) : Math.max(known, value);
}

/** The format writes infinities as `+Inf` and `-Inf`, which `Number` does not know. */
function parseValue(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function printValue(value: number): string {
  return String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf');
}

function addSample({ samples, merge }: Family, line: string): void {
  // A label value may contain a space; the number never does.
  const split = line.lastIndexOf(' ');
  const key = line.slice(0, split);
  const value = parseValue(line.slice(split + 1));
  const known = samples.get(key);
  samples.set(key, known === undefined ? value : combine(merge, known, value));
}

/** Reads one exposition into the families that are known so far, but for the samples to leave out; a metric is known by its type line. */
function addExposition(families: Map<string, Family>, text: string, isStale: (line: string) => boolean): void {
  let help = '';
  let family: Family | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) help = line;
    else if (line.startsWith('# TYPE ')) {
      family = families.get(line);
      if (family === undefined) {
        family = createFamily(help, line);
        families.set(line, family);
      }
      help = '';
    } else if (line !== '' && !line.startsWith('#') && family !== undefined && !isStale(line)) addSample(family, line);
  }
}

/** Lifts cumulative samples to the highest value they ever had, and remembers that of the others. */
function neverFall(families: Iterable<Family>, highest: Map<string, number>): void {
  for (const { isCumulative, samples } of families) {
    if (!isCumulative) continue;
    for (const [key, value] of samples) {
      const before = highest.get(key);
      if (before !== undefined && before > value) samples.set(key, before);
      else if (before !== value) highest.set(key, value);
    }
  }
}

function print(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const { comments, samples } of families) {
    lines.push(...comments);
    for (const [key, value] of samples) lines.push(`${key} ${printValue(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Merges the Prometheus texts of several processes of one gateway into the text of the whole.
 *
 * Counters, histograms and most gauges are added up; of the rest the worst or the youngest counts. `highest` remembers from one scrape to the next
 * what cumulative samples may not fall below.
 */
export function mergeExpositions(texts: readonly string[], highest?: Map<string, number>): string {
  const families = new Map<string, Family>();
  const stale = findStaleQuotas(texts, Date.now() / 1000);
  for (const [index, text] of texts.entries()) addExposition(families, text, stale[index] ?? isNeverStale);
  if (highest !== undefined) neverFall(families.values(), highest);
  return print(families.values());
}

/** Keeps of an exposition what outlives its process: counters and histograms, which must never fall. */
export function keepCumulative(text: string): string {
  const families = new Map<string, Family>();
  addExposition(families, text, isNeverStale);
  return print([...families.values()].filter(({ isCumulative }) => isCumulative));
}
