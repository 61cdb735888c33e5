import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The commit that HEAD is compared with, or why there is none. */
export type FoundBase = { readonly commit: string } | { readonly missing: string };

const run = promisify(execFile);

/** Where a clone has the main branch. */
const MAIN_BRANCHES = ['origin/main', 'main'];

async function git(root: string, parameters: readonly string[]): Promise<string | undefined> {
  return await run('git', ['-C', root, ...parameters]).then(({ stdout }) => stdout.trim(), () => undefined);
}

/** The merge base of HEAD and the main branch; on the main branch itself the commit before. A shallow clone may have neither. */
export async function findBase(root: string): Promise<FoundBase> {
  const head = await git(root, ['rev-parse', 'HEAD']);
  if (head === undefined) return { missing: 'this is no clone' };
  for (const branch of MAIN_BRANCHES) {
    const base = await git(root, ['merge-base', 'HEAD', branch]);
    if (base !== undefined && base !== head) return { commit: base };
  }
  const previous = await git(root, ['rev-parse', '--verify', '--quiet', 'HEAD^']);
  return previous === undefined ? { missing: 'the clone has neither a merge base nor a commit before HEAD' } : { commit: previous };
}
