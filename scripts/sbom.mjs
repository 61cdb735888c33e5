// Writes the software bill of materials of the gateway, as CycloneDX JSON: everything that runs, with versions, licences and checksums.
// It is made by pnpm from the lockfile and the installed packages, without network, and checked before it is kept.
// usage: node scripts/sbom.mjs [--out FILE]      (default: dist/penstock-gateway.cdx.json)
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readCommandLine } from './command-line.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const ENTRY = '@penstock/gateway';
const { flags } = readCommandLine('npx -y pnpm@12 sbom [--out FILE]   (default: dist/penstock-gateway.cdx.json)', { options: { out: { type: 'string' } } });
const out = resolve(flags.out ?? join(ROOT, 'dist/penstock-gateway.cdx.json'));

/** The pnpm that runs this script, else the one that the README names. */
function pnpmCommand() {
  const { npm_execpath: running = '' } = process.env;
  if (!/pnpm/.test(running)) return ['npx', '-y', 'pnpm@12'];
  return /\.[cm]?js$/.test(running) ? [process.execPath, running] : [running];
}

/** Every package that the entry needs at run time, by what the manifests of the workspace say. */
function runtimeDependencies() {
  const manifests = new Map(['packages', 'apps'].flatMap((folder) => readdirSync(join(ROOT, folder)).flatMap((name) => {
    try {
      const manifest = JSON.parse(readFileSync(join(ROOT, folder, name, 'package.json'), 'utf8'));
      return [[manifest.name, manifest]];
    } catch {
      return [];
    }
  })));
  const found = new Set();
  const visit = (name) => {
    for (const dependency of Object.keys(manifests.get(name)?.dependencies ?? {})) {
      if (found.has(dependency)) continue;
      found.add(dependency);
      visit(dependency);
    }
  };
  visit(ENTRY);
  return [...found];
}

/** What is wrong with the bill: what it lacks of what runs, and what came from elsewhere than the lockfile's checksums say. */
function problemsOf(bill) {
  const components = bill.components.map((component) => ({ ...component, fullName: component.group === undefined ? component.name : `${component.group}/${component.name}` }));
  const names = new Set(components.map(({ fullName }) => fullName));
  const foreign = components.filter(({ fullName }) => !fullName.startsWith('@penstock/'));
  return [
    ...runtimeDependencies().filter((name) => !names.has(name)).map((name) => `${name} is missing`),
    ...foreign.filter(({ licenses }) => !Array.isArray(licenses) || licenses.length === 0).map(({ fullName }) => `${fullName} has no licence`),
    ...foreign.filter(({ externalReferences = [] }) => !externalReferences.some(({ hashes }) => hashes?.length > 0)).map(({ fullName }) => `${fullName} has no checksum`),
    ...(bill.bomFormat === 'CycloneDX' ? [] : ['it is not CycloneDX']),
  ];
}

mkdirSync(dirname(out), { recursive: true });
const [command, ...leading] = pnpmCommand();
const made = spawnSync(command, [...leading, 'sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--prod', '--filter', ENTRY, '--out', out], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
if (made.status !== 0) {
  console.error(`the bill of materials could not be made (${made.error?.message ?? `exit ${made.status}`})`);
  process.exit(1);
}
const bill = JSON.parse(readFileSync(out, 'utf8'));
const problems = problemsOf(bill);
for (const problem of problems) console.error(problem);
if (problems.length > 0) rmSync(out);
else console.log(`${out}: ${bill.components.length} components, CycloneDX ${bill.specVersion}`);
process.exitCode = problems.length > 0 ? 1 : 0;
