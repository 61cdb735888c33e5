// Makes the single executable: Node itself with the bundled gateway inside it (https://nodejs.org/api/single-executable-applications.html).
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FILES } from '../../apps/gateway/src/process/package-files.ts';
import { bundle, ROOT } from './bundle.mjs';
import { runCommand } from './run-command.mjs';

const GATEWAY = join(ROOT, 'apps/gateway');

/** Makes `penstock-linux-ARCH` in a folder. Returns its path. Throws where Node for that machine cannot be had. */
export async function makeExecutable(folder, arch) {
  if (process.platform !== 'linux') throw new Error('the executable is made on Linux, for Linux');
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'penstock-executable-'));
  try {
    const main = join(scratch, 'gateway.mjs');
    writeFileSync(main, await bundle(join(GATEWAY, 'src/executable.ts')));
    const output = join(folder, `penstock-linux-${arch}`);
    const settings = join(scratch, 'sea.json');
    writeFileSync(settings, JSON.stringify({
      main, mainFormat: 'module', output, executable: nodeFor(arch, scratch), disableExperimentalSEAWarning: true,
      // A snapshot or a code cache is of one machine; neither is needed to start in half a second.
      useSnapshot: false, useCodeCache: false,
      assets: Object.fromEntries(PACKAGE_FILES.map((name) => [name, join(GATEWAY, name)])),
    }));
    runCommand(process.execPath, ['--build-sea', settings], scratch);
    return output;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The Node of the same version for a machine: the running one, or that of the package that `node` installs there. */
function nodeFor(arch, scratch) {
  if (arch === process.arch) return process.execPath;
  runCommand('npm', ['pack', '--silent', `node-linux-${arch}@${process.versions.node}`], scratch);
  const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'));
  runCommand('tar', ['-xzf', tarball, 'package/bin/node'], scratch);
  return join(scratch, 'package/bin/node');
}
