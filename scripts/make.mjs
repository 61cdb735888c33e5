// Makes what is carried to other machines, into dist/: the executable, the Debian package of it, the tarball, or the packages.
// usage: node scripts/make.mjs executable [x64|arm64] | deb [x64|arm64] | tarball | packages
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readCommandLine, refuse } from './command-line.mjs';
import { ROOT } from './make/bundle.mjs';

const DIST = join(ROOT, 'dist');
const ARCHITECTURES = ['x64', 'arm64'];

const USAGE = `npx -y pnpm@12 make executable [${ARCHITECTURES.join('|')}] | deb [${ARCHITECTURES.join('|')}] | tarball | packages`;

const MAKERS = {
  executable: async (arch = process.arch) => {
    checkArchitecture(arch);
    const { makeExecutable } = await import('./make/executable.mjs');
    return makeExecutable(DIST, arch);
  },
  deb: async (arch = process.arch) => {
    checkArchitecture(arch);
    const { makeDeb } = await import('./make/deb.mjs');
    return makeDeb(DIST, arch);
  },
  tarball: async () => {
    const { makeTarball } = await import('./make/tarball.mjs');
    return makeTarball(DIST);
  },
  packages: async () => {
    const { makePackages } = await import('./make/packages.mjs');
    return makePackages(DIST);
  },
};

function checkArchitecture(arch) {
  if (!ARCHITECTURES.includes(arch)) refuse(USAGE, `there is no executable for ${arch}`);
}

const { words: [what = '', ...rest] } = readCommandLine(USAGE, { mostWords: 2 });
const make = Object.hasOwn(MAKERS, what) ? MAKERS[what] : refuse(USAGE, what === '' ? 'nothing to make' : `cannot make ${what}`);
const path = await make(...rest);
const status = statSync(path);
console.log(`${relative(process.cwd(), path)} (${status.isDirectory() ? `${readdirSync(path).length} files` : `${(status.size / 1e6).toFixed(1)} MB`})`);
