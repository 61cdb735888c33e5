import { readFileSync } from 'node:fs';

/** Whose fault the end of a request is; `none` stands for an `ok`. */
export const FAULTS = ['none', 'client', 'gateway', 'upstream', 'network'] as const;

/** One of `FAULTS`. */
export type Fault = (typeof FAULTS)[number];

const METRICS_PAGE = new URL('../../../docs/metrics.md', import.meta.url);

function isFault(text: string): text is Fault {
  return FAULTS.some((fault) => fault === text);
}

/** Reads the table of outcomes of a page in the form of docs/metrics.md. A row with an unknown fault is an error. */
export function readOutcomes(page: string): Readonly<Record<Fault, readonly string[]>> {
  const outcomes: Record<Fault, string[]> = { none: [], client: [], gateway: [], upstream: [], network: [] };
  const [, section = ''] = page.split('\n## Outcomes\n');
  for (const [, outcome = '', fault = ''] of section.slice(0, section.search(/^## /m)).matchAll(/^\| `(\w+)` \| (\w+) \|/gm)) {
    if (!isFault(fault)) throw new Error(`docs/metrics.md gives ${outcome} the fault ${fault}, which is none of ${FAULTS.join(', ')}`);
    outcomes[fault].push(outcome);
  }
  return outcomes;
}

/** The outcomes by fault, from docs/metrics.md; a test of the gateway compares that page with the gateway's own table. */
export const OUTCOMES_BY_FAULT: Readonly<Record<Fault, readonly string[]>> = readOutcomes(readFileSync(METRICS_PAGE, 'utf8'));
