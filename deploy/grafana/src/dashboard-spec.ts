/** One query of a panel; `legend` names its series, with labels in double braces. */
export interface QuerySpec {
  readonly expression: string;
  readonly legend: string;
}

/** Where a value turns from good over doubtful to bad. */
export interface ThresholdSpec {
  readonly warning: number;
  readonly critical: number;
}

/** What is the same in every kind of panel. */
interface PanelBase {
  readonly title: string;
  /** Explains the panel and what a bad value means, for a reader who does not know the code. */
  readonly description: string;
  readonly queries: readonly QuerySpec[];
  /** A Grafana unit, such as `s`, `reqps` or `percentunit`. */
  readonly unit: string;
  /** Columns of 24. @defaultValue 8 */
  readonly width?: number;
  /** @defaultValue none */
  readonly thresholds?: ThresholdSpec;
  /** What is shown where there is no series. @defaultValue Grafana's own `No data` */
  readonly noValue?: string;
}

/** Lines over time; `stacked` areas where the series add up to something. */
export interface GraphSpec extends PanelBase {
  readonly kind: 'graph';
  readonly stacked?: boolean;
  readonly max?: number;
}

/** One number, or one a series, as of now. */
export interface StatSpec extends PanelBase {
  readonly kind: 'stat';
  /** Words for values, such as 0 for `no`. */
  readonly words?: Readonly<Record<string, string>>;
  /** Shows the legend of each series instead of its value. @defaultValue false */
  readonly showsName?: boolean;
}

/** The distribution of a histogram over time. */
export interface HeatmapSpec extends PanelBase {
  readonly kind: 'heatmap';
}

/** One row a series, with its labels as columns. */
export interface TableSpec extends PanelBase {
  readonly kind: 'table';
}

/** One panel of a dashboard. */
export type PanelSpec = GraphSpec | StatSpec | HeatmapSpec | TableSpec;

/** A titled group of panels. */
export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** A choice at the top of a dashboard, filled from the values of a label. */
export interface VariableSpec {
  readonly name: string;
  readonly label: string;
  /** A `label_values(metric, label)` query. */
  readonly query: string;
}

/** A whole dashboard. */
export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly VariableSpec[];
  readonly rows: readonly RowSpec[];
}
