import type { WorkloadResult } from '../workloads/run-workload.ts';
import { CONTROL, DIRECT, FLOOR, type Summary, summarize } from './summarize.ts';

const WIDTH = 760;
const LABEL_WIDTH = 170;
const VALUE_WIDTH = 150;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 24;
const TITLE_HEIGHT = 44;
const PADDING = 20;

/** One bar. */
interface Bar {
  readonly name: string;
  readonly value: number;
  readonly text: string;
}

/** What is drawn of each kind of workload; the shorter bar is the better one. */
function barOf(result: WorkloadResult, summary: Summary): Bar {
  const { name } = summary;
  if (result.workload.kind === 'memory') {
    const kilobytes = summary.bytesPerStream / 1_024;
    return { name, value: kilobytes, text: `${kilobytes.toFixed(1)} KB` };
  }
  if (result.workload.kind === 'requests' && result.workload.probesLoop) return { name, value: summary.loopDelayMs, text: `${summary.loopDelayMs.toFixed(1)} ms` };
  const ratio = Number.isFinite(summary.cpuRatio) ? ` (${summary.cpuRatio.toFixed(2)} × floor)` : '';
  return { name, value: summary.cpuMicroseconds, text: `${summary.cpuMicroseconds.toFixed(summary.cpuMicroseconds < 100 ? 1 : 0)} µs${ratio}` };
}

function unitOf({ workload }: WorkloadResult): string {
  switch (workload.kind) {
    case 'memory': return 'resident memory per open stream';
    case 'streams': return 'CPU time per event';
    case 'aborts': return 'CPU time per cut stream';
    default: return workload.kind === 'requests' && workload.probesLoop ? '99th percentile of the delay of the event loop' : 'CPU time per request';
  }
}

/** Draws all workloads as bars in one SVG; each workload has a logarithmic scale of its own, because the peers differ by powers of ten. */
export function drawChart(results: readonly WorkloadResult[]): string {
  const parts: string[] = [];
  let top = PADDING;
  for (const result of results) {
    const bars = summarize(result).filter(({ name }) => name !== DIRECT && name !== CONTROL).map((summary) => barOf(result, summary)).filter(({ value }) => value > 0);
    if (bars.length === 0) continue;
    parts.push(drawWorkload(result, bars, top));
    top += TITLE_HEIGHT + bars.length * ROW_HEIGHT + PADDING;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${top}" fill="#ffffff"/>`, ...parts, '</svg>', '',
  ].join('\n');
}

function drawWorkload(result: WorkloadResult, bars: readonly Bar[], top: number): string {
  const smallest = Math.min(...bars.map(({ value }) => value));
  const largest = Math.max(...bars.map(({ value }) => value));
  // The smallest bar keeps a third of the width when all are alike.
  const decades = Math.max(Math.log10(largest / smallest), 0.5);
  const room = WIDTH - PADDING * 2 - LABEL_WIDTH - VALUE_WIDTH;
  const lines = [
    `<text x="${PADDING}" y="${top + 16}" font-weight="600">${escapeXml(result.workload.title)}</text>`,
    `<text x="${PADDING}" y="${top + 33}" fill="#666666" font-size="11">${unitOf(result)}, logarithmic; shorter is better</text>`,
  ];
  bars.forEach(({ name, value, text }, index) => {
    const y = top + TITLE_HEIGHT + index * ROW_HEIGHT;
    const width = room * (0.12 + 0.88 * Math.log10(value / smallest) / decades);
    lines.push(
      `<text x="${PADDING + LABEL_WIDTH - 8}" y="${y + 13}" text-anchor="end">${escapeXml(name)}</text>`,
      `<rect x="${PADDING + LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${colourOf(name)}"/>`,
      `<text x="${(PADDING + LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 13}" fill="#333333">${escapeXml(text)}</text>`,
    );
  });
  return lines.join('\n');
}

function colourOf(name: string): string {
  if (name.startsWith('penstock')) return '#1f6feb';
  return name === FLOOR ? '#8c959f' : name === 'nginx' ? '#2da44e' : '#d4a72c';
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
