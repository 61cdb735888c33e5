import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GATEWAY = fileURLToPath(new URL('../../../gateway', import.meta.url));
const BUNDLER = fileURLToPath(new URL('../../../../scripts/make/command.mjs', import.meta.url));

/** The main program of this build, as the compiler wrote it. */
export const BUILT_MAIN: string = join(GATEWAY, 'dist/main.js');

let shipped: string | undefined;

/** The main program as the image and the tarball hold it: bundled. Made when it is first asked for, and removed with this process. Throws where the bundler fails. */
export function shippedMain(): string {
  shipped ??= bundle();
  return shipped;
}

function bundle(): string {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-shipped-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['package.json', 'assets']) cpSync(join(GATEWAY, name), join(folder, name), { recursive: true });
  symlinkSync(join(GATEWAY, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'dist'));
  execFileSync(process.execPath, [BUNDLER, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  return join(folder, 'dist/main.js');
}
