import { statSync, unwatchFile, watchFile, type Stats } from 'node:fs';

const POLL_MS = 1_000;

/** Watches a set of files that may change. */
export interface FileWatch {
  /** From now on these are watched, and no others. */
  watch(files: readonly string[]): void;
  stop(): void;
}

/**
 * Calls `onChange` when one of the files changed. It polls: mounted secrets and config maps are swapped by renaming a
 * folder's link, which change notifications of the file miss.
 */
export function watchFiles(onChange: () => void): FileWatch {
  /** Each file as it was seen last; `undefined` where it was away. */
  const seen = new Map<string, Stats | undefined>();
  const note = (file: string, current: Stats | undefined): void => {
    // A file that is away for a moment is being replaced; its return is the change.
    if (!seen.has(file) || current === undefined || current.ino === 0 || isSame(current, seen.get(file))) return;
    seen.set(file, current);
    onChange();
  };
  const listeners = new Map<string, (current: Stats) => void>();
  const watch = (files: readonly string[]): void => {
    const next = new Set(files);
    for (const [file, listener] of listeners) {
      if (next.has(file)) continue;
      unwatchFile(file, listener);
      listeners.delete(file);
      seen.delete(file);
    }
    for (const file of next) {
      if (listeners.has(file)) continue;
      const listener = (current: Stats): void => { note(file, current); };
      listeners.set(file, listener);
      // Node compares with its own first look, which comes later: a change in between would never be noticed.
      seen.set(file, statOf(file));
      watchFile(file, { interval: POLL_MS, persistent: false }, listener);
      setTimeout(() => { note(file, statOf(file)); }, POLL_MS).unref();
    }
  };
  return { watch, stop: () => watch([]) };
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    // Away, or in a folder that may not be read now.
    return undefined;
  }
}

function isSame(current: Stats, before: Stats | undefined): boolean {
  return before !== undefined && current.mtimeMs === before.mtimeMs && current.ino === before.ino && current.size === before.size;
}
