import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';
import { run } from '../release/workspace.ts';

/** The release that the suite drives. Its package holds a program of about 420 MB for each platform: never a dependency. */
export const CODEX_VERSION = '0.171.0';

const PACKAGE = '@openai/codex';

/** The program, or why it is not there. */
export interface Codex {
  readonly program: string;
  readonly client: CachedClient;
}

/** Finds the program in the cache, or installs it there. */
export function findCodex(): Codex {
  const client = cachedClient(`codex-${CODEX_VERSION}`, (folder) => {
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', `${PACKAGE}@${CODEX_VERSION}`];
    if (run('npm', args, folder).code !== 0) return `npm cannot install ${PACKAGE}@${CODEX_VERSION} here`;
    return programIn(folder) === undefined ? `${PACKAGE}@${CODEX_VERSION} has no program for ${process.platform}-${process.arch}` : undefined;
  });
  return { client, program: ('folder' in client ? programIn(client.folder) : undefined) ?? '' };
}

function foldersIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function programIn(folder: string): string | undefined {
  return foldersIn(join(folder, 'node_modules/@openai')).flatMap((installed) => foldersIn(join(installed, 'vendor'))).map((platform) => join(platform, 'bin/codex')).find((path) => existsSync(path));
}
