import { readFileSync } from 'node:fs';

/** Reads a file of the repository. */
export function readRepositoryFile(path: string): string {
  return readFileSync(new URL(`../../../../../${path}`, import.meta.url), 'utf8');
}

/** The dashboards, by the names of their files. */
export const DASHBOARDS = ['overview', 'upstream-pool', 'clients-and-cost', 'process'] as const;

/** The queries of all panels of a dashboard file, by panel. */
export function panelQueries(name: string): { readonly title: string; readonly expression: string }[] {
  const { panels }: { readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[] } =
    JSON.parse(readRepositoryFile(`deploy/grafana/dashboards/${name}.json`));
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expression: expr })));
}

/** What Grafana does to a query when everything is chosen. */
export function choose(expression: string, job = '.*'): string {
  return expression.replaceAll('$__rate_interval', '4s').replaceAll('$__range', '60s').replaceAll('$job', job).replaceAll(/\$(instance|side|upstream|client)\b/g, '.*');
}
