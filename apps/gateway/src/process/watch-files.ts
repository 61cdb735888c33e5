import { unwatchFile, watchFile, type Stats } from 'node:fs';

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
  let watched: ReadonlySet<string> = new Set();
  const listener = (current: Stats, previous: Stats): void => {
    // A file that is away for a moment is being replaced; its return is the change.
    if (current.ino === 0) return;
    if (current.mtimeMs !== previous.mtimeMs || current.ino !== previous.ino || current.size !== previous.size) onChange();
  };
  const watch = (files: readonly string[]): void => {
    const next = new Set(files);
    for (const file of watched) if (!next.has(file)) unwatchFile(file, listener);
    for (const file of next) if (!watched.has(file)) watchFile(file, { interval: POLL_MS, persistent: false }, listener);
    watched = next;
  };
  return { watch, stop: () => watch([]) };
}
