import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A client that is installed on demand, or why it is not there. */
export type CachedClient = { readonly folder: string } | { readonly missing: string };

/** `off` keeps the suites from installing clients that are no dependency. */
const SWITCH = 'PENSTOCK_REAL_CLIENTS';

/**
 * The folder of a client that the suites install once and keep: it is no dependency, and it is large. A folder's name carries the version, so
 * that another version is installed beside it. `install` fills an empty folder and returns why it could not, or `undefined`.
 */
export function cachedClient(name: string, install: (folder: string) => string | undefined): CachedClient {
  if (process.env[SWITCH] === 'off') return { missing: `${SWITCH} is off` };
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'penstock-test-clients');
  const folder = join(cache, name);
  if (existsSync(folder)) return { folder };
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, `.${name}-`));
  const missing = install(draft);
  // A folder is put in place as a whole: one that was interrupted is never taken for an installed client.
  if (missing === undefined) putInPlace(draft, folder);
  else rmSync(draft, { recursive: true, force: true });
  return missing === undefined ? { folder } : { missing };
}

function putInPlace(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(folder)) throw error;
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Prints why a suite does not run; the line is what docs/reliability.md names. */
export function printSkipped(suite: string, client: CachedClient): void {
  if ('missing' in client) process.stdout.write(`SKIPPED: ${suite}: ${client.missing}\n`);
}
