import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildDashboard, renderDashboard } from '../src/build-dashboard.ts';
import type { PanelSpec } from '../src/dashboard-spec.ts';
import { DASHBOARDS } from '../src/dashboards.ts';
import { documentedMetrics, HAS_PROMTOOL, PROMTOOL_NOTE, readRepositoryFile, selectedMetrics } from './repository.ts';

const PANELS: readonly { readonly dashboard: string; readonly panel: PanelSpec }[] = Object.entries(DASHBOARDS).flatMap(
  ([dashboard, { rows }]) => rows.flatMap(({ panels }) => panels.map((panel) => ({ dashboard, panel }))));

/** The part of a generated stat that decides on its colour. */
interface StatPanel {
  readonly title: string;
  readonly fieldConfig: { readonly defaults: {
    readonly thresholds: { readonly steps: readonly { readonly value: number | null; readonly color: string }[] };
    readonly mappings: readonly { readonly options: Readonly<Record<string, { readonly text: string }>> }[];
  } };
}

const EXPRESSIONS = PANELS.flatMap(({ panel }) => panel.queries.map(({ expression }) => expression));

describe('the dashboards', () => {
  it.each(Object.entries(DASHBOARDS))('%s.json is what its specification generates (run pnpm generate)', (name, spec) => {
    expect(readRepositoryFile(`deploy/grafana/dashboards/${name}.json`)).toBe(renderDashboard(spec));
  });

  it('are the four that answer whose problem it is', () => {
    expect(Object.values(DASHBOARDS).map(({ title }) => title)).toEqual(
      ['Penstock / Overview', 'Penstock / Upstream pool', 'Penstock / Clients and cost', 'Penstock / Process']);
  });

  it('describe every panel and give it a unit (they are read by people who never saw the code)', () => {
    for (const { dashboard, panel } of PANELS) {
      expect(panel.description.length, `${dashboard}: ${panel.title}`).toBeGreaterThan(20);
      expect(panel.unit, `${dashboard}: ${panel.title}`).not.toBe('');
      expect(panel.queries.length, `${dashboard}: ${panel.title}`).toBeGreaterThan(0);
    }
  });

  it('show what the words of a stat call good in green, and the rest in another colour (a rejected configuration must not look well)', () => {
    const mapped = Object.values(DASHBOARDS).flatMap((spec) => buildDashboard(spec).panels ?? []).filter((panel) => JSON.stringify(panel).includes('"mappings":[{'));
    const colours = mapped.map((panel) => {
      const { title, fieldConfig }: StatPanel = JSON.parse(JSON.stringify(panel));
      const { thresholds, mappings } = fieldConfig.defaults;
      const words = Object.entries(mappings[0]?.options ?? {}).map(([value, { text }]) => [text, thresholds.steps.findLast((step) => step.value === null || Number(value) >= step.value)?.color]);
      return [title, Object.fromEntries(words)];
    });
    expect(Object.fromEntries(colours)).toEqual({ Draining: { no: 'green' }, Configuration: { rejected: 'red', 'in force': 'green' } });
  });

  it('fill their rows (no panel hangs over the edge)', () => {
    for (const { title, rows } of Object.values(DASHBOARDS)) {
      for (const row of rows) {
        const width = row.panels.reduce((column, panel) => {
          const end = (column % 24) + (panel.width ?? 8);
          expect(end, `${title}: ${row.title}: ${panel.title} ends at column ${end}`).toBeLessThanOrEqual(24);
          return end;
        }, 0);
        expect(width % 12, `${title}: ${row.title} ends at column ${width}`).toBe(0);
      }
    }
  });

  it('divide a histogram by its buckets, and no per-process time by the number of processes (three replicas that collect garbage for 4 % of the time do not make 12 %)', () => {
    for (const expression of EXPRESSIONS.filter((candidate) => candidate.includes('histogram_quantile'))) expect(expression).toMatch(/sum by \(le\b/);
    for (const expression of EXPRESSIONS.filter((candidate) => /nodejs_gc_duration|process_cpu_seconds/.test(candidate))) expect(expression).toMatch(/sum by \(instance\b/);
  });

  it('show every metric there is', () => {
    const shown = new Set(EXPRESSIONS.flatMap(selectedMetrics));
    expect([...documentedMetrics()].filter((name) => !shown.has(name))).toEqual([]);
  });

  it('ask only for series that exist', () => {
    const known = documentedMetrics();
    for (const expression of EXPRESSIONS) expect(selectedMetrics(expression).filter((name) => !known.has(name)), expression).toEqual([]);
  });

  it('confine every query to the chosen job and instance, and use every variable they offer', () => {
    for (const expression of EXPRESSIONS.filter((candidate) => !candidate.includes('ALERTS'))) {
      expect(expression).toContain('job=~"$job", instance=~"$instance"');
    }
    for (const { title, rows, variables } of Object.values(DASHBOARDS)) {
      const text = JSON.stringify(rows);
      for (const { name } of variables) expect(text, `${title} uses $${name}`).toContain(`$${name}`);
    }
  });

  it('show the failures of every party that can be at fault', () => {
    const page = /\| `fault` \| (.*) \|/.exec(readRepositoryFile('docs/metrics.md'))?.[1] ?? '';
    const faults = Array.from(page.matchAll(/`(\w+)`/g), ([, name = '']) => name).filter((name) => name !== 'none');
    expect(faults.toSorted()).toEqual(['client', 'gateway', 'network', 'upstream']);
    const panels = PANELS.filter(({ panel }) => panel.title.startsWith('Failures ') && panel.queries.some(({ expression }) => /fault="\w+"/.test(expression)));
    expect(new Set(panels.map(({ panel }) => /fault="(\w+)"/.exec(panel.queries[0]?.expression ?? '')?.[1]))).toEqual(new Set(faults));
  });

  it.skipIf(!HAS_PROMTOOL)(`have queries that Prometheus can read${PROMTOOL_NOTE}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'dashboards-'));
    const file = join(folder, 'queries.rules.yml');
    const rules = EXPRESSIONS.map((expression, index) => ({ record: `panel:query:${index}`, expr: expression.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h') }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    const checked = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect({ status: checked.status, errors: checked.stderr }).toEqual({ status: 0, errors: '' });
  });
});

describe('the provisioning', () => {
  it('loads the dashboards with a data source they can choose', () => {
    expect(readRepositoryFile('deploy/grafana/provisioning/datasources/prometheus.yaml')).toContain('type: prometheus');
    expect(readRepositoryFile('deploy/grafana/provisioning/dashboards/penstock.yaml')).toContain('path: /var/lib/grafana/dashboards/penstock');
    for (const spec of Object.values(DASHBOARDS)) expect(renderDashboard(spec)).toContain('"uid": "${datasource}"');
  });
});
