import { homedir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';

// What a package manager tells its own scripts, among it that dependencies were checked already and need no installing.
const TOLD_TO_SCRIPTS = /^(pnpm_|PNPM_|npm_(command|execpath|node_execpath|lifecycle_|package_|config_(user_agent|cache|prefix|local_prefix|verify_deps))|INIT_CWD$|NODE$|TURBO_)/;

/**
 * The environment of a first-time user: an empty home, the machine's own Node and npm, and neither the tools of this
 * workspace on the path nor a word of the package manager that runs this test. Where packages come from stays the machine's matter.
 */
export function newcomerEnvironment(home: string, extra: Readonly<Record<string, string>>): Record<string, string> {
  const environment = Object.entries(scrubbedEnvironment()).filter(([name]) => !TOLD_TO_SCRIPTS.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes(`node_modules${sep}`));
  return {
    npm_config_userconfig: join(homedir(), '.npmrc'),
    ...Object.fromEntries(environment),
    HOME: home,
    PATH: path.join(delimiter),
    CI: '',
    ...extra,
  };
}
