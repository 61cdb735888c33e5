import { readFileSync } from 'node:fs';
import { getAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

/** Files of the package that the running gateway reads. The single executable holds them as assets of the same names. */
export const PACKAGE_FILES = ['package.json', 'assets/page.css', 'assets/page.js'] as const;

/** One of them. */
export type PackageFile = (typeof PACKAGE_FILES)[number];

/** Reads a file of the package as text. Throws when the installation is not whole. */
export function readPackageFile(name: PackageFile): string {
  return isSea() ? getAsset(name, 'utf8') : readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

/** What a worker process runs: the single executable starts itself again, an installed package has the same program as a file (`executable.ts`). */
export function workerProgram(): string {
  if (isSea()) return process.execPath;
  // Sources and build lie side by side under the same name.
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../executable.ts' : '../executable.js', import.meta.url));
}
