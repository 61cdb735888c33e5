import { BigValueColorMode, BigValueTextMode, StackingMode, VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard, DashboardBuilder, DashboardCursorSync, DashboardLinkBuilder, DashboardLinkType, DatasourceVariableBuilder, FieldColorBuilder,
  FieldColorModeId, MappingType, QueryVariableBuilder, RowBuilder, ThresholdsConfigBuilder, ThresholdsMode, VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { DashboardSpec, GraphSpec, HeatmapSpec, PanelSpec, QuerySpec, StatSpec, TableSpec, ThresholdSpec, VariableSpec } from './dashboard-spec.ts';

/** The data source is chosen at the top of a dashboard, so that the files work in any Grafana. */
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

const DEFAULT_WIDTH = 8;
const PANEL_HEIGHT = 8;
const STAT_HEIGHT = 4;

/** The choices that every dashboard has; its own come after them. */
const COMMON_VARIABLES: readonly VariableSpec[] = [
  { name: 'job', label: 'Job', query: 'label_values(penstock_build_info, job)' },
  { name: 'instance', label: 'Instance', query: 'label_values(penstock_build_info{job=~"$job"}, instance)' },
];

type PanelBuilder = GraphBuilder | StatBuilder | HeatmapBuilder | TableBuilder;

function buildQuery({ expression, legend }: QuerySpec, index: number, kind: PanelSpec['kind']): DataqueryBuilder {
  const query = new DataqueryBuilder().expr(expression).legendFormat(legend).refId(String.fromCharCode(65 + index)).datasource(DATASOURCE);
  if (kind === 'heatmap') return query.format(PromQueryFormat.Heatmap).range();
  if (kind === 'table') return query.format(PromQueryFormat.Table).instant();
  return kind === 'stat' ? query.instant() : query.range();
}

function buildThresholds(thresholds: ThresholdSpec | undefined): ThresholdsConfigBuilder {
  const steps = thresholds === undefined ? [] : [{ value: thresholds.warning, color: 'orange' }, { value: thresholds.critical, color: 'red' }];
  // Where a small value is the bad one, the colours run the other way.
  const ascending = thresholds === undefined || thresholds.warning <= thresholds.critical;
  const base = { value: null, color: ascending ? 'green' : 'red' };
  const ordered = ascending ? steps : [{ value: thresholds.critical, color: 'orange' }, { value: thresholds.warning, color: 'green' }];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([base, ...ordered]);
}

function buildGraph(spec: GraphSpec): GraphBuilder {
  const graph = new GraphBuilder().lineWidth(1).fillOpacity(spec.stacked === true ? 30 : 0).showPoints(VisibilityMode.Never).min(0);
  graph.legend(new common.VizLegendOptionsBuilder().displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom).showLegend(true));
  graph.tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi));
  if (spec.stacked === true) graph.stacking(new common.StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (spec.max !== undefined) graph.max(spec.max);
  if (spec.thresholds !== undefined) {
    graph.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  return graph;
}

function buildStat(spec: StatSpec): StatBuilder {
  const stat = new StatBuilder().height(STAT_HEIGHT).colorMode(spec.thresholds === undefined ? BigValueColorMode.None : BigValueColorMode.Value);
  stat.reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false));
  if (spec.showsName === true) stat.textMode(BigValueTextMode.Name);
  if (spec.words !== undefined) {
    const options = Object.fromEntries(Object.entries(spec.words).map(([value, text], index) => [value, { text, index }]));
    stat.mappings([{ type: MappingType.ValueToText, options }]);
  }
  return stat;
}

function buildHeatmap(spec: HeatmapSpec): HeatmapBuilder {
  return new HeatmapBuilder().calculate(false).yAxis(new YAxisConfigBuilder().unit(spec.unit).reverse(false));
}

function buildTable(_spec: TableSpec): TableBuilder {
  return new TableBuilder().withTransformation({ id: 'organize', options: { excludeByName: { Time: true }, renameByName: { Value: 'value' } } });
}

function buildKind(spec: PanelSpec): PanelBuilder {
  if (spec.kind === 'graph') return buildGraph(spec);
  if (spec.kind === 'stat') return buildStat(spec);
  return spec.kind === 'heatmap' ? buildHeatmap(spec) : buildTable(spec);
}

function buildPanel(spec: PanelSpec, id: number): PanelBuilder {
  const panel = buildKind(spec).id(id);
  if (spec.kind !== 'stat') panel.height(PANEL_HEIGHT);
  panel.title(spec.title).description(spec.description).unit(spec.unit).span(spec.width ?? DEFAULT_WIDTH).datasource(DATASOURCE);
  panel.thresholds(buildThresholds(spec.thresholds));
  panel.colorScheme(new FieldColorBuilder().mode(spec.kind === 'stat' ? FieldColorModeId.Thresholds : FieldColorModeId.PaletteClassic));
  if (spec.noValue !== undefined) panel.noValue(spec.noValue);
  for (const [index, query] of spec.queries.entries()) panel.withTarget(buildQuery(query, index, spec.kind));
  return panel;
}

function buildVariable({ name, label, query }: VariableSpec): QueryVariableBuilder {
  return new QueryVariableBuilder(name).label(label).query(query).datasource(DATASOURCE).refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true).includeAll(true).allValue('.*').current({ selected: true, text: ['All'], value: ['$__all'] });
}

/** Builds the dashboard that Grafana reads from what the specification says. */
export function buildDashboard(spec: DashboardSpec): Dashboard {
  const dashboard = new DashboardBuilder(spec.title)
    .uid(spec.uid).description(spec.description).tags(['penstock']).readonly().timezone('browser').refresh('30s').time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .link(new DashboardLinkBuilder('Penstock').type(DashboardLinkType.Dashboards).tags(['penstock']).keepTime(true).includeVars(true))
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  for (const variable of [...COMMON_VARIABLES, ...spec.variables]) dashboard.withVariable(buildVariable(variable));
  let id = 0;
  for (const row of spec.rows) {
    dashboard.withRow(new RowBuilder(row.title).id(id += 1));
    for (const panel of row.panels) dashboard.withPanel(buildPanel(panel, id += 1));
  }
  return dashboard.build();
}

/** The text of a generated dashboard file. */
export function renderDashboard(spec: DashboardSpec): string {
  return `${JSON.stringify(buildDashboard(spec), null, 2)}\n`;
}
