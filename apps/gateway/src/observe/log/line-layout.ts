import { wordDollars } from '../../cost/dollars.ts';
import { printable } from './printable.ts';

/** One entry of the log, parsed. */
type Entry = Readonly<Record<string, unknown>>;

/** The options of `createLineLayout`. */
export interface LineLayoutOptions {
  readonly hasColours: boolean;
  /** Whether every field of a finished request is shown: the log's level is `debug` or below. */
  readonly isDetailed: () => boolean;
}

/** What every entry has, or what the sentence of a request already holds. */
const ALWAYS_LEFT_OUT: ReadonlySet<string> = new Set(['level', 'time', 'msg']);
const IN_SENTENCE: ReadonlySet<string> = new Set(['status', 'client', 'route', 'model', 'usage', 'cost_dollars', 'cost_estimated', 'duration_ms', 'request_id']);
/** What a failure's line has beside its sentence. */
const FAILURE_FIELDS = ['outcome', 'fault', 'cause', 'failure', 'requested_model', 'upstream_request_id'] as const;

const COLOURS: Readonly<Record<string, number>> = { warn: 33, error: 31, fatal: 31 };
const PLAIN_VALUE = /^[\w.:/@+,%→-]+$/;

/**
 * Makes the layout of `log.format: "line"`: one line for each entry. A finished request is
 * `12:34:37 200 alice messages claude-haiku-4-5 10→53 tok $0.0003 43 ms pen_…` (`~$…` where tokens were estimated), with what went wrong behind it where something did; any other entry its
 * message and its fields.
 */
export function createLineLayout({ hasColours, isDetailed }: LineLayoutOptions): (json: string) => string {
  return (json) => {
    const entry = JSON.parse(json) as Entry;
    const level = String(entry['level']);
    const loudness = COLOURS[level] === undefined ? '' : `${level.toUpperCase()} `;
    const text = printable(`${clockOf(entry)} ${loudness}${wordEntry(entry, isDetailed())}`).replaceAll('\n', '\\n');
    const colour = COLOURS[level];
    return hasColours && colour !== undefined ? `\u001b[${colour}m${text}\u001b[39m\n` : `${text}\n`;
  };
}

function wordEntry(entry: Entry, isDetailed: boolean): string {
  if (entry['msg'] === 'request') return wordRequest(entry, isDetailed);
  if (entry['msg'] === 'waiting for open responses') return wordWaiting(entry);
  return `${String(entry['msg'])}${wordFields(entry, Object.keys(entry))}`;
}

function wordRequest(entry: Entry, isDetailed: boolean): string {
  const model = entry['model'] ?? entry['requested_model'];
  const parts = [
    entry['status'], entry['client'], shortRoute(String(entry['route'])), ...(model === undefined ? [] : [model]), ...wordTokens(entry['usage']), ...wordCost(entry),
    wordDuration(Number(entry['duration_ms'])), entry['request_id'],
  ];
  const sentence = parts.map(String).join(' ');
  if (isDetailed) return sentence + wordFields(entry, Object.keys(entry).filter((name) => !IN_SENTENCE.has(name)));
  return entry['outcome'] === 'ok' ? sentence : sentence + wordFields(entry, FAILURE_FIELDS);
}

/** `waiting for 2 responses (alice 1, bob 1; the oldest 12 s), at most 588 s; Ctrl-C again ends at once`. */
function wordWaiting(entry: Entry): string {
  const open = Number(entry['open']);
  const clients = Object.entries((entry['clients'] ?? {}) as Readonly<Record<string, number>>).map(([client, count]) => `${client} ${count}`).join(', ');
  return `waiting for ${open} response${open === 1 ? '' : 's'} (${clients}; the oldest ${wordDuration(Number(entry['oldest_seconds']) * 1_000)}), at most ${String(entry['seconds_left'])} s; Ctrl-C again ends at once`;
}

function wordFields(entry: Entry, names: readonly string[]): string {
  return names.filter((name) => entry[name] !== undefined && !ALWAYS_LEFT_OUT.has(name)).map((name) => ` ${name}=${wordValue(entry[name])}`).join('');
}

function wordValue(value: unknown): string {
  return typeof value === 'string' && PLAIN_VALUE.test(value) ? value : JSON.stringify(value);
}

function wordTokens(usage: unknown): readonly string[] {
  if (usage === undefined) return [];
  const { input = 0, output = 0, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0 } = usage as Readonly<Partial<Record<string, number>>>;
  return [`${input + cacheRead + cacheWrite5m + cacheWrite1h}→${output}`, 'tok'];
}

function wordCost({ cost_dollars: dollars, cost_estimated: isEstimated }: Entry): readonly string[] {
  return typeof dollars === 'number' ? [`${isEstimated === true ? '~' : ''}${wordDollars(dollars)}`] : [];
}

/** The route without the prefix that all of a side have. */
function shortRoute(route: string): string {
  return route.replace(/^(?:\/anthropic)?\/v1\//, '');
}

/** `43 ms`, `1.2 s`, `4 min 12 s`. */
export function wordDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  if (milliseconds < 60_000) return `${Math.floor(milliseconds / 1_000)} s`;
  const seconds = Math.floor(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Local time: a terminal stands where its reader is. */
function clockOf(entry: Entry): string {
  const time = new Date(String(entry['time']));
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
