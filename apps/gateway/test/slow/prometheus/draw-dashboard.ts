import { formatValue } from './format-value.ts';
import type { Series } from './start-prometheus.ts';

/** The part of a dashboard file that is drawn. */
export interface DrawnPanel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly unit: string;
  /** What a stat shows instead of a number, by the number. */
  readonly words: Readonly<Record<string, string>>;
  /** Whether a stat shows the legend of its series rather than the value. */
  readonly showsName: boolean;
  /** The answers to the panel's queries, each series with the words of its legend. */
  readonly series: readonly { readonly legend: string; readonly values: Series['values'] }[];
}

const COLUMN = 50;
const LINE = 26;
const MARGIN = 10;
/** As many as the most series of a panel whose lines can still be told apart. */
const COLOURS = [
  '#7eb26d', '#eab839', '#6ed0e0', '#ef843c', '#e24d42', '#1f78c1', '#ba43a9', '#705da0', '#508642', '#cca300',
  '#f9d9f9', '#447ebc', '#c15c17', '#890f02', '#b7dbab', '#f4d598', '#70dbed', '#f29191', '#9ac48a', '#d683ce',
];
const LEGEND_LINE = 12;
/** The part of a panel's graph that its legend may take; Grafana scrolls a longer one. */
const LEGEND_SHARE = 0.5;

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" ${attributes}>${escape(words)}</text>`;
}

function finite(panel: DrawnPanel): number[] {
  return panel.series.flatMap(({ values }) => values.map(([, value]) => value).filter((value) => Number.isFinite(value)));
}

/** The runs of a series between its gaps; a line across a gap would show values that were not measured. */
function unbroken(values: Series['values']): (readonly [number, number])[][] {
  const runs: (readonly [number, number])[][] = [];
  let previous = Number.NEGATIVE_INFINITY;
  for (const [at, value] of values) {
    if (!Number.isFinite(value)) continue;
    if (at - previous > 1.5) runs.push([]);
    runs.at(-1)?.push([at, value]);
    previous = at;
  }
  return runs;
}

/** The lines of a graph within a box, and what its axis says. */
function drawGraph(panel: DrawnPanel, box: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }): string {
  const most = Math.max(...finite(panel));
  const top = most > 0 ? most * 1.1 : 1;
  const times = panel.series.flatMap(({ values }) => values.map(([at]) => at));
  const [start, end] = [Math.min(...times), Math.max(...times)];
  const x = (at: number): number => box.x + ((at - start) / Math.max(end - start, 1)) * box.w;
  const y = (value: number): number => box.y + box.h - (value / top) * box.h;
  const grid = [0, 0.5, 1].map((part) => {
    const level = y(part * top);
    return `<path d="M${box.x} ${level.toFixed(1)}H${box.x + box.w}" class="grid"/>${text(box.x - 4, level + 3, formatValue(part * top, panel.unit), 'class="axis" text-anchor="end"')}`;
  });
  const lines = panel.series.flatMap(({ values }, index) => unbroken(values).map((run) => {
    const points = run.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" style="stroke:${COLOURS[index % COLOURS.length]}"/>`;
  }));
  return [...grid, ...lines].join('');
}

/** Where each entry of a legend stands: every series has one, on as many lines as they need. */
export function placeLegend(legends: readonly string[], width: number): readonly { readonly x: number; readonly line: number }[] {
  let x = 0;
  let line = 0;
  return legends.map((legend) => {
    const size = legend.length * 5.4 + 18;
    if (x > 0 && x + size > width) {
      x = 0;
      line += 1;
    }
    const place = { x, line };
    x += size;
    return place;
  });
}

function drawLegend(panel: DrawnPanel, places: ReturnType<typeof placeLegend>, left: number, top: number): string {
  return panel.series.slice(0, places.length).map(({ legend }, index) => {
    const { x, line } = places[index] as (typeof places)[number];
    const [at, y] = [left + x, top + line * LEGEND_LINE];
    return `<rect x="${at.toFixed(0)}" y="${y - 6}" width="10" height="3" fill="${COLOURS[index % COLOURS.length]}"/>${text(at + 13, y, legend, 'class="axis"')}`;
  }).join('');
}

/** A heatmap's rows are its buckets; each is shown by what is in it and not in the one below. */
function drawHeatmap(panel: DrawnPanel, box: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }): string {
  const buckets = panel.series.filter(({ legend }) => legend !== '+Inf').toSorted((a, b) => Number(a.legend) - Number(b.legend));
  const counts = buckets.map(({ values }, index) => values.map(([at, value]): [number, number] => {
    const below = index === 0 ? 0 : buckets[index - 1]?.values.find(([other]) => other === at)?.[1] ?? 0;
    return [at, Math.max(0, value - below)];
  }));
  const most = Math.max(...counts.flat().map(([, count]) => count), 1e-9);
  const height = box.h / Math.max(buckets.length, 1);
  return counts.map((row, index) => {
    const y = box.y + box.h - (index + 1) * height;
    const width = box.w / Math.max(row.length, 1);
    const cells = row.map(([, count], column) => (count <= 0 ? '' :
      `<rect x="${(box.x + column * width).toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="#ef843c" opacity="${(0.15 + 0.85 * (count / most)).toFixed(2)}"/>`));
    const label = index % 3 === 0 ? text(box.x - 4, y + height, formatValue(Number(buckets[index]?.legend), panel.unit), 'class="axis" text-anchor="end"') : '';
    return cells.join('') + label;
  }).join('');
}

function lastOf({ values }: DrawnPanel['series'][number]): number {
  return values.findLast(([, value]) => Number.isFinite(value))?.[1] ?? Number.NaN;
}

function drawStat(panel: DrawnPanel, x: number, y: number, width: number, height: number): string {
  const [first] = panel.series;
  const value = first === undefined ? Number.NaN : lastOf(first);
  const words = first === undefined ? 'no data' : panel.showsName ? first.legend : panel.words[String(value)] ?? formatValue(value, panel.unit);
  return text(x + width / 2, y + height / 2 + 18, words, `class="${words.length > 12 ? 'name' : 'stat'}" text-anchor="middle"`);
}

function drawTable(panel: DrawnPanel, x: number, y: number, width: number, height: number): string {
  return panel.series.slice(0, Math.floor((height - 40) / 16)).map((series, index) =>
    text(x + 12, y + 44 + index * 16, series.legend, 'class="axis"') + text(x + width - 12, y + 44 + index * 16, formatValue(lastOf(series), panel.unit), 'class="axis" text-anchor="end"')).join('');
}

function drawPanel(panel: DrawnPanel): string {
  const [x, y] = [panel.gridPos.x * COLUMN + MARGIN, panel.gridPos.y * LINE + MARGIN];
  const [width, height] = [panel.gridPos.w * COLUMN, panel.gridPos.h * LINE];
  if (panel.type === 'row') return text(x + 4, y + 18, panel.title, 'class="row"');
  const frame = `<rect x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" class="panel"/>${text(x + 12, y + 20, panel.title, 'class="title"')}`;
  const box = { x: x + 58, y: y + 34, w: width - 74, h: height - 66 };
  if (panel.type === 'stat') return frame + drawStat(panel, x, y, width, height);
  if (finite(panel).length === 0) return frame + text(x + width / 2, y + height / 2, 'no data', 'class="axis" text-anchor="middle"');
  if (panel.type === 'table') return frame + drawTable(panel, x, y, width, height);
  if (panel.type === 'heatmap') return frame + drawHeatmap(panel, box);
  const all = placeLegend(panel.series.map(({ legend }) => legend), width - 20);
  const mostLines = Math.floor((box.h * LEGEND_SHARE) / LEGEND_LINE);
  const places = all.filter(({ line }) => line <= mostLines);
  const more = all.length - places.length;
  const left = more === 0 ? '' : text(x + width - 12, y + 20, `${more} more in the legend`, 'class="axis" text-anchor="end"');
  const extra = (places.at(-1)?.line ?? 0) * LEGEND_LINE;
  return frame + left + drawGraph(panel, { ...box, h: box.h - extra }) + drawLegend(panel, places, x + 12, y + height - 14 - extra);
}

const STYLE = 'text{font-family:sans-serif;fill:#d8d9da}.panel{fill:#1f1f23;stroke:#333}.title{font-size:12px;font-weight:bold}.row{font-size:14px}'
  + '.axis{font-size:9.5px;fill:#9fa7b3}.stat{font-size:24px}.name{font-size:14px}.grid{stroke:#333;fill:none}polyline{fill:none;stroke-width:1.4}';

/** Draws a dashboard from what its queries returned, as an SVG picture. */
export function drawDashboard(title: string, panels: readonly DrawnPanel[]): string {
  const width = 24 * COLUMN + 2 * MARGIN;
  const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * LINE + 2 * MARGIN + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">`
    + `<style>${STYLE}</style><rect width="${width}" height="${height}" fill="#111217"/>${text(MARGIN + 4, 26, title, 'style="font-size:18px"')}`
    + `<g transform="translate(0 30)">${panels.map(drawPanel).join('\n')}</g></svg>\n`;
}
