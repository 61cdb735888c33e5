import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';

const PREFIX = 'penstock-release-';

/** A folder of its own for one test file. */
export interface ScratchFolder {
  readonly path: string;
  remove(): void;
}

/**
 * Makes a folder in the system's temporary directory. It exists before anything can fail, and it can remove itself and nothing else: a
 * path that is put together in a hook may be empty when the hook failed, and an empty path is the working directory.
 */
export function createScratchFolder(): ScratchFolder {
  const root = realpathSync(tmpdir());
  const path = mkdtempSync(`${root}/${PREFIX}`);
  return {
    path,
    remove() {
      if (dirname(path) !== root || !path.startsWith(`${root}/${PREFIX}`)) throw new Error(`refuses to remove ${path}`);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
