import { isConfigError } from '../../config/config-error.ts';
import type { LoadConfigOptions } from '../../config/load-config.ts';
import { printable } from '../../observe/log/printable.ts';
import { SORT_KEYS, type SortKey } from '../../observe/status/status-query.ts';
import type { Status } from '../../observe/status/status.ts';
import type { CommandOutput } from '../check.ts';
import { describeForTerminal } from './describe-for-terminal.ts';
import { findOperations, type OperationsAddress } from './find-operations.ts';
import { readStatus, StatusUnreadable } from './read-status.ts';
import { EXIT_UNKNOWN } from './run-status.ts';

/** A terminal that is written to. */
export interface TopScreen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Where keys come from. */
export interface TopKeys {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: 'data', listener: (keys: Uint8Array | string) => void): unknown;
  off(event: 'data', listener: (keys: Uint8Array | string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** The options of `penstock top`. */
export interface TopOptions extends Omit<LoadConfigOptions, 'simulate'> {
  readonly url?: string | undefined;
  readonly intervalMs: number;
  readonly screen: TopScreen;
  readonly keys: TopKeys;
  readonly hasColours: boolean;
}

/** The alternate screen without a cursor, and back (xterm's DECSET 1049 and 25). */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CTRL_C = '\u0003';
const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 30;

/** `penstock top`: shows the status in a terminal until `q`. Without a terminal it prints one frame. Returns the exit code. */
export async function runTop(options: TopOptions, { stderr }: Pick<CommandOutput, 'stderr'>): Promise<number> {
  const { screen, keys, hasColours } = options;
  try {
    const operations = findOperations(options, options.url);
    const first = await readStatus(operations);
    if (screen.isTTY !== true || keys.isTTY !== true) {
      screen.write(`${describeForTerminal(first, { columns: screen.columns ?? DEFAULT_COLUMNS, hasColours }).join('\n')}\n`);
      return 0;
    }
    await watch(operations, options, first);
    return 0;
  } catch (error) {
    if (!isConfigError(error) && !(error instanceof StatusUnreadable)) throw error;
    stderr.write(`${printable(error.message)}\n`);
    return EXIT_UNKNOWN;
  }
}

/** Draws until a key or a signal ends it; the terminal is put back in either case. */
async function watch(operations: OperationsAddress, { screen, keys, hasColours, intervalMs }: TopOptions, first: Status): Promise<void> {
  let sort: SortKey = 'age';
  let isPaused = false;
  let status = first;
  let problem: string | undefined;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;

  const draw = (): void => {
    const columns = screen.columns ?? DEFAULT_COLUMNS;
    const footer = `q quit   s sort: ${sort}   space ${isPaused ? 'continue' : 'pause'}${problem === undefined ? '' : `   ${problem}`}`;
    const lines = describeForTerminal(status, { columns, rows: (screen.rows ?? DEFAULT_ROWS) - 2, hasColours });
    screen.write(`${HOME}${[...lines, '', footer.slice(0, columns)].map((line) => line + CLEAR_LINE).join('\r\n')}${CLEAR_BELOW}`);
  };
  const refresh = async (): Promise<void> => {
    clearTimeout(timer);
    try {
      if (!isPaused) status = await readStatus(operations, `?limit=500&sort=${sort}`);
      problem = undefined;
    } catch (error) {
      problem = printable(error instanceof Error ? error.message : String(error)).replaceAll(/[\t\n]/g, ' ');
    }
    if (isEnded) return;
    draw();
    timer = setTimeout(() => void refresh(), intervalMs);
  };
  const onKeys = (pressed: Uint8Array | string): void => {
    for (const key of typeof pressed === 'string' ? pressed : new TextDecoder().decode(pressed)) {
      if (key === 'q' || key === CTRL_C) end();
      else if (key === 's') sort = SORT_KEYS[(SORT_KEYS.indexOf(sort) + 1) % SORT_KEYS.length] ?? 'age';
      else if (key === ' ') isPaused = !isPaused;
      else continue;
      if (key !== 'q' && key !== CTRL_C) void refresh();
    }
  };
  keys.setRawMode?.(true);
  keys.on('data', onKeys);
  keys.resume();
  process.once('SIGTERM', end);
  screen.write(ENTER);
  try {
    await refresh();
    await ended;
  } finally {
    isEnded = true;
    clearTimeout(timer);
    process.off('SIGTERM', end);
    keys.off('data', onKeys);
    keys.setRawMode?.(false);
    keys.pause();
    screen.write(LEAVE);
  }
}
