// Bundles the penstock command of a deployed gateway: a start then reads 58 files instead of 912 (docs/decisions/0021).
// usage: node scripts/make/command.mjs FOLDER (that of the deployed package)
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { ABSENT, inAscii, ROOT, SIDE_EFFECTS, SOURCES_FIRST } from './bundle.mjs';

/** Programs of the package, by the place of their file, and threads, whose programs lie beside the file that starts them. */
const ENTRIES = {
  main: 'apps/gateway/src/main.ts',
  executable: 'apps/gateway/src/executable.ts',
  'bundled/sqlite-thread': 'packages/claude-code-gateway/src/store/sqlite-thread.ts',
  'bundled/translation-thread': 'packages/openai-front-door/src/translation/translation-thread.ts',
};

/** What whoever needs it installs beside the gateway: the libraries of clouds. */
const INSTALLED_BESIDE = Object.keys(JSON.parse(readFileSync(join(ROOT, 'packages/cloud-credentials/package.json'), 'utf8')).peerDependencies);

/**
 * Replaces the programs in the `dist` of a deployed package by bundled ones, whose other files lie in `dist/bundled`. Files that a program looks for
 * beside itself are one folder up from there, as they are from any room of the sources. What embedders import stays as it is.
 * Throws where a program would look for files in another place.
 */
export async function bundleCommand(folder) {
  const build = await rolldown({
    ...SOURCES_FIRST, input: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(ROOT, path)])),
    platform: 'node', external: [...ABSENT, ...INSTALLED_BESIDE], checks: { eval: false }, treeshake: SIDE_EFFECTS,
    onwarn(warning) { throw new Error(`${warning.code}: ${warning.message}`); },
  });
  try {
    const { output } = await build.generate({ format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'bundled/[name]-[hash].js', comments: false });
    for (const { fileName, code } of output) check(fileName, code);
    const missed = threadsIn(output).filter((name) => !output.some(({ fileName }) => fileName === `bundled/${name}.js`));
    if (missed.length > 0) throw new Error(`no program of the bundle is the thread ${missed.join(', ')}: see scripts/make/command.mjs`);
    rmSync(join(folder, 'dist/bundled'), { recursive: true, force: true });
    mkdirSync(join(folder, 'dist/bundled'), { recursive: true });
    for (const { fileName, code } of output) {
      const path = join(folder, 'dist', fileName);
      // pnpm deploys hard links: written in place, the file of the sources would be another one too.
      rmSync(path, { force: true });
      writeFileSync(path, inAscii(code));
    }
  } finally {
    await build.close();
  }
}

function threadsIn(output) {
  return output.flatMap(({ code }) => [...code.matchAll(/new URL\(`\.\/([\w-]+)\$\{extname\(import\.meta\.url\)\}`/g)].map(([, name]) => name));
}

function check(fileName, code) {
  if (!fileName.startsWith('bundled/') && code.includes('import.meta')) throw new Error(`${fileName} looks for files beside it, and lies elsewhere than the other files`);
  const beside = /(?:\brequire\(|new URL\()['"]\.\.?\/[^'"]*['"]/.exec(code);
  if (beside !== null && !beside[0].includes('../executable.')) throw new Error(`${fileName} would look for a file beside it: ${beside[0]}`);
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  await bundleCommand(folder);
  const files = readdirSync(join(folder, 'dist/bundled'));
  console.log(`${files.length} files, ${(files.reduce((sum, name) => sum + readFileSync(join(folder, 'dist/bundled', name)).length, 0) / 1e6).toFixed(1)} MB`);
}
