import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A program in a terminal that a test reads and types into. */
export interface Terminal {
  /** The text on the screen. */
  screen(): string;
  /** Resolves with the screen once it matches. */
  shows(pattern: RegExp): Promise<string>;
  type(...keys: readonly string[]): void;
}

/** A program and what it runs in. */
export interface TerminalProgram {
  readonly command: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Files below `/etc`, as only this program sees them. */
  readonly etc: Readonly<Record<string, string>>;
}

const STEP_MS = 100;
const PATIENCE_MS = 180_000;

/** Why such a terminal cannot be had here; `undefined` where it can. */
export function whyNoTerminal(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root for a mount namespace of its own';
  if (spawnSync('tmux', ['-V']).error !== undefined) return 'there is no tmux';
  const lower = mkdtempSync(join(tmpdir(), 'penstock-etc-'));
  const mounted = spawnSync('unshare', ['-m', 'mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${lower}:/etc`, '/etc']);
  rmSync(lower, { recursive: true });
  return mounted.status === 0 ? undefined : 'no file system can be laid over /etc';
}

/** Starts a program in a terminal of 110 columns and 40 lines; it ends with the stack. */
export function openTerminal(stack: AsyncDisposableStack, { command, folder, environment, etc }: TerminalProgram): Terminal {
  const lower = mkdtempSync(join(tmpdir(), 'penstock-etc-'));
  for (const [path, text] of Object.entries(etc)) {
    mkdirSync(join(lower, path, '..'), { recursive: true });
    writeFileSync(join(lower, path), text);
  }
  const socket = join(lower, 'tmux');
  const tmux = (...args: readonly string[]): string => execFileSync('tmux', ['-S', socket, ...args], { encoding: 'utf8' });
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const quote = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`;
  const inner = `mount -t overlay overlay -o lowerdir=${lower}:/etc /etc && exec env -i ${variables.map(quote).join(' ')} ${quote(command)}`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '110', '-y', '40', '-c', folder, `unshare -m sh -c ${quote(inner)}`);
  stack.defer(() => {
    spawnSync('tmux', ['-S', socket, 'kill-server']);
    rmSync(lower, { recursive: true, force: true });
  });
  const screen = (): string => tmux('capture-pane', '-p');
  const until = async (isReached: (shown: string) => boolean, what: string): Promise<string> => {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += STEP_MS) {
      const shown = screen();
      if (isReached(shown)) return shown;
      await wait(STEP_MS);
    }
    throw new Error(`the terminal does not show ${what} but:\n${screen()}`);
  };
  return {
    screen,
    shows: (pattern) => until((shown) => pattern.test(shown), String(pattern)),
    type: (...keys) => { tmux('send-keys', ...keys); },
  };
}
