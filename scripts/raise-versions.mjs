// Raises the versions of what is published as the changesets say, writes the changelogs, and gives chart and manifests the gateway's version.
// usage: node scripts/raise-versions.mjs
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readCommandLine } from './command-line.mjs';

readCommandLine('npx -y pnpm@12 raise-versions');

const ROOT = resolve(import.meta.dirname, '..');
const versionOf = (folder) => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')).version;

const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/@changesets/cli/bin.js'), 'version'], { cwd: ROOT, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const version = versionOf('apps/gateway');
// The image is tagged with the gateway's version, which is what an empty image.tag stands for.
const chart = join(ROOT, 'deploy/helm/penstock/Chart.yaml');
writeFileSync(chart, readFileSync(chart, 'utf8').replace(/^version: .*$/m, `version: ${version}`).replace(/^appVersion: .*$/m, `appVersion: "${version}"`));

const manifests = join(ROOT, 'deploy/kubernetes/penstock.yaml');
writeFileSync(manifests, readFileSync(manifests, 'utf8')
  .replaceAll(/(app\.kubernetes\.io\/version: )"[^"]*"/g, `$1"${version}"`)
  .replaceAll(/(helm\.sh\/chart: penstock-)\S+/g, `$1${version}`)
  .replaceAll(/(image: "penstock\/gateway:)[^"]*"/g, `$1${version}"`));
console.log(`chart and manifests are at ${version}`);
