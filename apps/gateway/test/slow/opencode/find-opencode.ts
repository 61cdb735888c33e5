import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';
import { run } from '../release/workspace.ts';

/** The release that the suite drives. Its package brings a program of 160 MB for each platform: never a dependency. */
export const OPENCODE_VERSION = '1.18.33';

const PACKAGE = 'opencode-ai';

/** The program, or why it is not there. */
export interface Opencode {
  readonly program: string;
  readonly client: CachedClient;
}

/** Finds the program in the cache, or installs it there. */
export function findOpencode(): Opencode {
  const client = cachedClient(`opencode-${OPENCODE_VERSION}`, (folder) => {
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', `${PACKAGE}@${OPENCODE_VERSION}`];
    if (run('npm', args, folder).code !== 0) return `npm cannot install ${PACKAGE}@${OPENCODE_VERSION} here`;
    return existsSync(programIn(folder)) ? undefined : `${PACKAGE}@${OPENCODE_VERSION} has no program for ${process.platform}-${process.arch}`;
  });
  return { client, program: 'folder' in client ? programIn(client.folder) : '' };
}

function programIn(folder: string): string {
  return join(folder, `node_modules/opencode-${process.platform}-${process.arch}/bin/opencode`);
}
