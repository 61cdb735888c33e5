import type { UsageReport, UsageRow } from '../../ledger/usage/read-usage.ts';
import { printable } from '../../observe/log/printable.ts';
import { formatCount } from '../../observe/status/format-values.ts';

/** The columns that may be in a report, in their order. */
const COLUMNS = [
  'name', 'email', 'requests', 'estimated_requests', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens', 'web_searches', 'cost_usd',
] as const satisfies readonly (keyof UsageRow)[];
/** Those that a terminal has place for. */
const SHORT_TITLES: Readonly<Partial<Record<(typeof COLUMNS)[number], string>>> = {
  requests: 'requests', input_tokens: 'input', output_tokens: 'output', cache_read_tokens: 'cache read', cost_usd: 'cost',
};
const LONGEST_NAME = 40;

/** The columns of a report as a table for a terminal, with a line of sums. Costs are rounded to hundredths of a cent. */
export function describeUsage(report: UsageReport): string {
  const columns = COLUMNS.filter((column) => SHORT_TITLES[column] !== undefined && (column === 'cost_usd' || report.rows.some((row) => row[column] !== undefined)));
  const lines = [
    [report.by, ...columns.map((column) => SHORT_TITLES[column] ?? column)],
    ...report.rows.map((row) => [fit(row.email ?? row.name), ...columns.map((column) => (column === 'cost_usd' ? roundedDollars(nanoDollarsOf(row)) : formatCount(Number(row[column] ?? 0))))]),
  ];
  // A person in two groups counts in both.
  if (report.by !== 'group') {
    lines.push(['total', ...columns.map((column) => (column === 'cost_usd'
      ? roundedDollars(report.rows.reduce((sum, row) => sum + nanoDollarsOf(row), 0n)) : formatCount(report.rows.reduce((sum, row) => sum + Number(row[column] ?? 0), 0))))]);
  }
  const widths = lines[0]?.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0))) ?? [];
  const table = lines.map((line) => line.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  ').trimEnd());
  const cut = report.is_cut ? `\nThere are more rows than ${formatCount(report.rows.length)}.` : '';
  return `From ${report.since} to ${report.until} (UTC)\n\n${table.join('\n')}${cut}\n`;
}

/** The report as CSV (RFC 4180), every column of it, costs exact. */
export function usageAsCsv(report: UsageReport): string {
  const columns = COLUMNS.filter((column) => column !== 'email' || report.by === 'person');
  const lines = [[report.by, ...columns.slice(1)], ...report.rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  return lines.map((line) => `${line.map(csvCell).join(',')}\r\n`).join('');
}

/** A name may come from an identity provider: a spreadsheet would run one that begins like a formula. */
function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function fit(text: string): string {
  const line = printable(text).replaceAll(/[\t\n]/g, ' ');
  return line.length <= LONGEST_NAME ? line : `${line.slice(0, LONGEST_NAME - 1)}…`;
}

function nanoDollarsOf({ cost_usd: cost }: UsageRow): bigint {
  return BigInt(cost.replace('.', ''));
}

/** Dollars with four decimals, half up. */
function roundedDollars(nanoDollars: bigint): string {
  const rounded = (nanoDollars < 0n ? nanoDollars - 50_000n : nanoDollars + 50_000n) / 100_000n;
  const digits = (rounded < 0n ? -rounded : rounded).toString().padStart(5, '0');
  return `${rounded < 0n ? '-' : ''}$${formatCount(Number(digits.slice(0, -4)))}.${digits.slice(-4)}`;
}
