import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';
import { run } from '../release/workspace.ts';

/** The release that the suites drive. Its package holds a program of about 380 MB for each platform, under terms of its own: never a dependency. */
export const CLAUDE_CODE_VERSION = '2.1.332';

const PACKAGE = '@anthropic-ai/claude-code';
const PROGRAMS = ['claude', 'claude.exe'];

/** The program, or why it is not there. */
export interface ClaudeCode {
  readonly program: string;
  readonly client: CachedClient;
}

/** Finds the program in the cache, or installs it there. */
export function findClaudeCode(): ClaudeCode {
  const client = cachedClient(`claude-code-${CLAUDE_CODE_VERSION}`, (folder) => {
    // The install script only copies the program; without it nothing of the package runs before the tests run it.
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', `${PACKAGE}@${CLAUDE_CODE_VERSION}`];
    if (run('npm', args, folder).code !== 0) return `npm cannot install ${PACKAGE}@${CLAUDE_CODE_VERSION} here`;
    return programIn(folder) === undefined ? `${PACKAGE}@${CLAUDE_CODE_VERSION} has no program for ${process.platform}-${process.arch}` : undefined;
  });
  return { client, program: ('folder' in client ? programIn(client.folder) : undefined) ?? '' };
}

function programIn(folder: string): string | undefined {
  const scope = join(folder, 'node_modules/@anthropic-ai');
  const platforms = existsSync(scope) ? readdirSync(scope).filter((name) => name.startsWith('claude-code-')) : [];
  return platforms.flatMap((name) => PROGRAMS.map((program) => join(scope, name, program))).find((path) => existsSync(path));
}
