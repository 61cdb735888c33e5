import type { WorkloadResult } from '../workloads/run-workload.ts';
import { controlRatio, CONTROL_TOLERANCE, type Summary, summarize } from './summarize.ts';

interface Column {
  readonly title: string;
  cell(summary: Summary): string;
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

function ownCell({ own }: Summary): string {
  return own === undefined ? '–' : `${own.median.toFixed(1)} (${own.low.toFixed(1)} to ${own.high.toFixed(1)})`;
}

const megabytes = (bytes: number): string => number(bytes / 1_048_576, 0);

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  requests: [
    { title: 'CPU µs/request', cell: (summary) => number(summary.cpuMicroseconds, 1) },
    { title: 'own µs (95 %)', cell: ownCell },
    { title: '× floor', cell: (summary) => number(summary.cpuRatio, 2) },
    { title: 'requests/s', cell: (summary) => number(summary.perSecond, 0) },
    { title: 'added p50 ms', cell: (summary) => number(summary.addedP50Ms, 2) },
    { title: 'added p99 ms', cell: (summary) => number(summary.addedP99Ms, 2) },
    { title: 'bytes', cell: (summary) => summary.bytes },
  ],
  loop: [
    { title: 'loop delay p99 ms', cell: (summary) => number(summary.loopDelayMs, 1) },
    { title: 'requests/s', cell: (summary) => number(summary.perSecond, 0) },
    { title: 'bytes', cell: (summary) => summary.bytes },
  ],
  streams: [
    { title: 'CPU µs/event', cell: (summary) => number(summary.cpuMicroseconds, 1) },
    { title: 'own µs (95 %)', cell: ownCell },
    { title: '× floor', cell: (summary) => number(summary.cpuRatio, 2) },
    { title: 'events/s', cell: (summary) => number(summary.perSecond, 0) },
    { title: 'added p50 ms', cell: (summary) => number(summary.addedP50Ms, 2) },
    { title: 'added p99 ms', cell: (summary) => number(summary.addedP99Ms, 2) },
    { title: 'p99 × floor', cell: (summary) => number(summary.p99Ratio, 2) },
    { title: 'bytes', cell: (summary) => summary.bytes },
  ],
  memory: [
    { title: 'base MB', cell: (summary) => megabytes(summary.baseBytes) },
    { title: 'KB/stream', cell: (summary) => number(summary.bytesPerStream / 1_024, 1) },
    { title: 'bytes', cell: (summary) => summary.bytes },
  ],
  aborts: [
    { title: 'CPU µs/stream', cell: (summary) => number(summary.cpuMicroseconds, 0) },
    { title: '× floor', cell: (summary) => number(summary.cpuRatio, 2) },
    { title: 'left open', cell: (summary) => number(summary.leakedStreams, 0) },
    { title: 'grown MB/round', cell: (summary) => number(summary.grownBytes / 1_048_576, 1) },
  ],
};

function tableOf(workload: WorkloadResult['workload']): string {
  return workload.kind === 'requests' && workload.probesLoop ? 'loop' : workload.kind;
}

/** A workload's results as a Markdown table, with a line on whether they mean anything. */
export function describeWorkload(result: WorkloadResult): string {
  const summaries = summarize(result);
  const columns = [{ title: 'contender', cell: ({ name }: Summary) => name }, ...(COLUMNS[tableOf(result.workload)] ?? [])];
  const rows = summaries.map((summary) => columns.map((column, index) => {
    if (summary.problem !== undefined && index > 0) return index === 1 ? `failed: ${summary.problem.slice(0, 160)}` : '';
    return column.cell(summary) + (index === 0 && summary.failures > 0 ? ` (${summary.failures} failures)` : '');
  }));
  const header = columns.map(({ title }) => title);
  const widths = header.map((title, index) => Math.max(title.length, ...rows.map((row) => Math.min(row[index]?.length ?? 0, 40))));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, index) => (index === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [`### ${result.workload.title}`, '', line(header), rule, ...rows.map(line), '', describeControl(summaries)].join('\n');
}

function describeControl(summaries: readonly Summary[]): string {
  const ratio = controlRatio(summaries);
  if (ratio === undefined) return '';
  const isVoid = Math.abs(ratio - 1) > CONTROL_TOLERANCE;
  return `Control: the second floor needed ${ratio.toFixed(3)} × the first${isVoid ? '; **the ratios of this run are void**' : ''}.\n`;
}
