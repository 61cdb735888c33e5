import { describeRouting } from '../../observe/status/describe-routing.ts';
import { countOf, formatBytes, formatCount, formatSpan } from '../../observe/status/format-values.ts';
import { printable } from '../../observe/log/printable.ts';
import type { Status, StatusFinding, StatusRequest, StatusUpstream } from '../../observe/status/status.ts';

/** How a frame is drawn. */
export interface FrameOptions {
  readonly columns: number;
  /** Lines at most; absent for all. */
  readonly rows?: number;
  readonly hasColours: boolean;
}

const RESET = '\u001b[0m';
const BOLD = '\u001b[1m';
const FAINT = '\u001b[2m';
/** SGR colours (ECMA-48 section 8.3.117) by severity. */
const SEVERITIES: Readonly<Record<StatusFinding['severity'], string>> = { none: '\u001b[32m', info: '\u001b[34m', warning: '\u001b[33m', error: '\u001b[31m' };
const BAR_CELLS = 20;

/** Draws a status as lines that fit a terminal. Every text of it is made printable, so that none steers the terminal. */
export function describeForTerminal(status: Status, { columns, rows, hasColours }: FrameOptions): readonly string[] {
  const paint = (text: string, ...colours: readonly string[]): string => (hasColours ? `${colours.join('')}${text}${RESET}` : text);
  const { gateway, generated_at: generatedAt, open, findings, verdict } = status;
  const up = formatSpan((Date.parse(generatedAt) - Date.parse(gateway.started_at)) / 1_000);
  const head = [
    paint(fit(`Penstock ${gateway.version}, ${gateway.state}, up for ${up}, ${gateway.workers === 1 ? 'one process' : countOf(gateway.workers, 'worker')}, ${generatedAt.slice(11, 19)} UTC`, columns), FAINT),
    ...wrap(verdict.text, columns).map((line) => paint(line, BOLD, SEVERITIES[verdict.severity])),
    ...findings.slice(1).map((finding) => paint(fit(`  ${finding.text}`, columns), SEVERITIES[finding.severity])),
    '',
    ...status.upstreams.map((upstream) => fit(describeUpstream(upstream), columns)),
    ...status.quotas.filter(({ used_ratio: used }) => used > QUOTA_SHOWN).map(({ upstream, quota, used_ratio: used }) => fit(`${pad(`${upstream} ${quota}`, 24)} ${bar(used)} ${Math.round(used * 100)} % used`, columns)),
    '',
    paint(fit(`${countOf(open.total, 'open request')}${open.matching === open.total ? '' : `, ${formatCount(open.matching)} fit the filter`}`, columns), BOLD),
  ];
  const table = open.requests.length === 0 ? [] : [paint(fit(TITLES, columns), FAINT), ...open.requests.map((request) => fit(describeRow(request), columns))];
  const failures = status.failures.slice(0, SHOWN_FAILURES);
  const tail = failures.length === 0 ? [] : ['', paint('Last failures', BOLD), ...failures.map(({ at, count, fault, outcome, code, status: answered, client, id }) =>
    fit(`${pad(`${formatSpan(Math.max(0, Date.parse(generatedAt) - Date.parse(at)) / 1_000)} ago`, 16)} ${pad(`${formatCount(count)}×`, 6)} ${pad(fault, 8)} ${pad(String(answered), 4)} ${pad(client, 18)} ${outcome}${code === null ? '' : `: ${code}`} ${id}`, columns))];
  return rows === undefined ? [...head, ...table, ...tail] : fitRows(head, table, tail, rows);
}

/** A quota is shown from here on; one that is nearly full says nothing. */
const QUOTA_SHOWN = 0.5;
const SHOWN_FAILURES = 5;
const TITLES = `${'AGE'.padStart(12)}  ${pad('CLIENT', 20)} ${pad('MODEL', 24)} ${pad('PHASE', 12)} ${'SENT'.padStart(8)} ${'RECEIVED'.padStart(8)}  REQUEST ID`;

/** Gives the table what the rest leaves, and at least its title and one row. */
function fitRows(head: readonly string[], table: readonly string[], tail: readonly string[], rows: number): readonly string[] {
  const kept = head.slice(0, rows);
  const left = rows - kept.length;
  if (table.length <= left) return [...kept, ...table, ...tail.slice(0, Math.max(0, left - table.length))];
  const shown = table.slice(0, Math.max(0, left - 1));
  return left > 0 ? [...kept, ...shown, `… ${formatCount(table.length - shown.length)} more`] : kept;
}

function describeUpstream({ name, max_connections: most, waiting, clients, trouble, routing }: StatusUpstream): string {
  const held = clients.reduce((sum, client) => sum + client.held, 0);
  const holders = clients.filter((client) => client.held > 0).slice(0, 4).map((client) => `${client.client} ${formatCount(client.held)}`).join(', ');
  return `${pad(name, 24)} ${bar(most === 0 ? 0 : held / most)} ${formatCount(held)} of ${formatCount(most)} held${waiting > 0 ? `, ${formatCount(waiting)} wait` : ''}${holders === '' ? '' : ` (${holders})`}${trouble === null ? '' : ` ${trouble.cause}`}${routing === null || routing.health === 'well' ? '' : `, ${describeRouting(routing)}`}`;
}

function bar(ratio: number): string {
  const full = Math.min(BAR_CELLS, Math.max(0, Math.round(ratio * BAR_CELLS)));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
}

function describeRow({ age_seconds: age, client, model, phase, stalled_seconds: stalled, request_bytes: sent, response_bytes: received, id }: StatusRequest): string {
  return `${formatSpan(age).padStart(12)}  ${pad(client, 20)} ${pad(model ?? '-', 24)} ${pad(stalled === null ? phase : `${phase} (slow)`, 12)} ${formatBytes(sent).padStart(8)} ${formatBytes(received).padStart(8)}  ${id}`;
}

/** Cuts or fills a text to a width. */
function pad(text: string, width: number): string {
  return fit(text, width).padEnd(width);
}

/** Cuts a line to a width. Characters that take two cells or none are rare in names, and cost a ragged column at most. */
function fit(text: string, width: number): string {
  const line = printable(text).replaceAll(/[\t\n]/g, ' ');
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).replaceAll(/\s+/g, ' ').split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((part) => fit(part, width));
}
