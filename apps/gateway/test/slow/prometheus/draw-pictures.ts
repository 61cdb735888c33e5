import { readFileSync, writeFileSync } from 'node:fs';
import { drawDashboard, type DrawnPanel } from './draw-dashboard.ts';
import type { Prometheus } from './start-prometheus.ts';

/** The dashboards by file name, and the jobs whose troubles each picture shows. */
const PICTURES: Readonly<Record<string, string>> = {
  overview: 'penstock-troubled', 'upstream-pool': 'penstock-troubled', 'clients-and-cost': 'penstock-troubled|penstock-process', process: 'penstock-process|penstock-workers',
};

interface DashboardFile {
  readonly title: string;
  readonly panels: readonly {
    readonly type: string; readonly title: string; readonly gridPos: DrawnPanel['gridPos'];
    readonly fieldConfig?: { readonly defaults?: { readonly unit?: string; readonly mappings?: readonly { readonly options: Readonly<Record<string, { readonly text?: string }>> }[] } };
    readonly options?: { readonly textMode?: string };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
  }[];
}

function folder(name: string): URL {
  return new URL(`../../../../../deploy/grafana/${name}`, import.meta.url);
}

function legendOf(format: string, labels: Readonly<Record<string, string>>): string {
  if (format === '') return Object.values(labels).join(' ');
  return format.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => labels[label] ?? '');
}

/** Draws every dashboard from what a Prometheus saw and writes the pictures beside the dashboards. */
export async function drawPictures(prometheus: Prometheus, choose: (expression: string, job: string) => string): Promise<void> {
  for (const [name, job] of Object.entries(PICTURES)) {
    const { title, panels }: DashboardFile = JSON.parse(readFileSync(folder(`dashboards/${name}.json`), 'utf8'));
    const drawn = await Promise.all(panels.map(async (panel): Promise<DrawnPanel> => {
      const answers = await Promise.all((panel.targets ?? []).map(async ({ expr, legendFormat = '' }) =>
        (await prometheus.queryRange(choose(expr, job))).map(({ metric, values }) => ({ legend: legendOf(legendFormat, metric), values }))));
      const words = Object.entries(panel.fieldConfig?.defaults?.mappings?.[0]?.options ?? {}).map(([value, { text = value }]) => [value, text] as const);
      return {
        type: panel.type, title: panel.title, gridPos: panel.gridPos, unit: panel.fieldConfig?.defaults?.unit ?? 'none', series: answers.flat(),
        words: Object.fromEntries(words), showsName: panel.options?.textMode === 'name',
      };
    }));
    writeFileSync(folder(`pictures/${name}.svg`), drawDashboard(`${title}: a gateway in scripted trouble, one second stands for a minute`, drawn));
  }
}
