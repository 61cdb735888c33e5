// Makes a tarball of the gateway that npm installs without asking a registry for anything: everything that it runs is inside, in the lockfile's versions.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { ROOT } from './bundle.mjs';
import { bundleCommand } from './command.mjs';
import { runCommand, runPnpm } from './run-command.mjs';

/** What nothing reads at run time. Licences stay, whatever they are called. */
const UNUSED = /\.(?:map|ts|cts|mts|md)$/i;
const LICENCE = /licen[cs]e|notice/i;
/** What pnpm keeps beside the packages for itself. */
const KEPT_BY_PNPM = new Set(['.bin', '.pnpm', '.modules.yaml']);

/** Makes `penstock-gateway-VERSION.tgz` in a folder, from what was built. Returns its path. */
export async function makeTarball(folder) {
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'penstock-tarball-'));
  try {
    const app = join(scratch, 'package');
    copyGateway(join(scratch, 'deployed'), app);
    await bundleCommand(app);
    for (const name of ['LICENSE', 'THIRD-PARTY-NOTICES.md']) cpSync(join(ROOT, name), join(app, name));
    const { exports: _exports, scripts: _scripts, devDependencies: _dev, publishConfig: _publish, ...manifest } = readManifest(app);
    writeManifest(app, { ...manifest, dependencies: installedVersions(app, manifest.dependencies), bundleDependencies: Object.keys(manifest.dependencies) });
    const tarball = join(folder, `penstock-gateway-${manifest.version}.tgz`);
    // A package is a folder called package, packed. npm's own command would choose the files once more.
    runCommand('tar', ['-czf', tarball, 'package'], scratch);
    return tarball;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Copies what runs, as plain folders without links, and makes the manifests of the packages ones that npm reads. */
function copyGateway(deployed, app) {
  runPnpm(['--filter=@penstock/gateway', 'deploy', '--prod', '--legacy', '--config.node-linker=hoisted', deployed], ROOT);
  // pnpm deploys hard links: changed in place they would change the sources, and npm unpacks no link.
  cpSync(deployed, app, { recursive: true, filter: (path) => isUsed(relative(deployed, path)) });
  const own = join(app, 'node_modules/@penstock');
  for (const name of readdirSync(own)) {
    const { devDependencies: _dev, scripts: _scripts, peerDependencies: _peers, ...manifest } = readManifest(join(own, name));
    // A peer is a dependency of the gateway itself.
    writeManifest(join(own, name), { ...manifest, dependencies: installedVersions(app, manifest.dependencies ?? {}) });
  }
}

/** Of what was compiled nothing: the bundled command takes its place. */
function isUsed(path) {
  if (!path.startsWith('node_modules')) return path.split('/', 1)[0] !== 'dist';
  const name = basename(path);
  return !KEPT_BY_PNPM.has(name) && (!UNUSED.test(name) || LICENCE.test(name));
}

function installedVersions(app, dependencies) {
  return Object.fromEntries(Object.keys(dependencies).map((name) => [name, readManifest(join(app, 'node_modules', name)).version]));
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
