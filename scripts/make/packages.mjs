// Packs every package that is published, so that a program elsewhere can install them before they are.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bundle.mjs';
import { runCommand, runPnpm } from './run-command.mjs';

/** Makes `packages/penstock-NAME-VERSION.tgz` for each in a folder, compiled anew where something changed. Returns the path of their folder. */
export function makePackages(folder) {
  const target = join(folder, 'packages');
  // Another version of a package beside the new one would be installed as well.
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const packages = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name)).filter(isPublished);
  runCommand(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', ...packages], ROOT);
  for (const path of packages) runPnpm(['pack', '--pack-destination', target], path);
  return target;
}

function isPublished(path) {
  const manifest = join(path, 'package.json');
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).private !== true;
}
