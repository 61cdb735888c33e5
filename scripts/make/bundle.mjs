// Bundles the gateway and everything that it uses into one ES module, for the single executable: Node runs one file there.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Optional parts of libraries that the gateway does not install; each is asked for in a `try`, and does without. */
export const ABSENT = ['pg-native', 'pg-cloudflare', 'bufferutil', 'utf-8-validate'];

/** Programs are loaded for what they do; the package calls itself free of side effects, which holds for its exports. */
export const SIDE_EFFECTS = { moduleSideEffects: [{ test: /[\\/](?:main|executable|worker-main|[\w-]+-thread)\.ts$/, sideEffects: true }] };

/**
 * Sources, not what was compiled from them: nothing has to be built before.
 * ES modules where a package has both: its other form may ask for its files in a way that no bundler sees (jsonc-parser).
 */
export const SOURCES_FIRST = { resolve: { conditionNames: ['@penstock/source', 'node', 'import', 'default'], mainFields: ['module', 'main'] } };

/** A thread's program lies beside the file that starts it; in one file there is no beside, so the program is carried along as a data: URL. */
const THREAD = /new URL\(`\.\/([\w-]+)\$\{extname\(import\.meta\.url\)\}`, import\.meta\.url\)/;
/** What is loaded on demand by a synchronous call. The bundler sees `require` alone. */
const LOADED_LATER = /createRequire\(import\.meta\.url\)(?=\('|;)/;

/** A file of its own that a library asks for, and that the bundler did not see. */
const BESIDE = /\brequire\(['"]\.\.?\/[^'"]*['"]\)/;

/** How many places each rewriting found: a place that no longer looks like this one must stop the build, not break at run time. */
const EXPECTED = { threads: 2, loadedLater: 2 };

/** Bundles one entry. Returns its source text. Throws where the bundle would look for files beside it. */
export async function bundle(entry) {
  const found = { threads: 0, loadedLater: 0 };
  const text = await run(entry, {
    name: 'one-file',
    transform: {
      filter: { id: /[\\/](?:apps[\\/]gateway|packages[\\/][\w-]+)[\\/]src[\\/].*\.ts$/ },
      async handler(code, id) {
        let rewritten = code;
        const thread = THREAD.exec(code);
        if (thread !== null) {
          found.threads += 1;
          const program = await run(join(id, '..', `${thread[1]}.ts`));
          rewritten = rewritten.replace(THREAD, () => `new URL(${JSON.stringify(`data:text/javascript;base64,${Buffer.from(program).toString('base64')}`)})`);
        }
        if (LOADED_LATER.test(rewritten)) {
          found.loadedLater += 1;
          // `const require = createRequire(import.meta.url);` names what is there already.
          rewritten = rewritten.replace(/^ *const require = createRequire\(import\.meta\.url\);$/m, '').replace(LOADED_LATER, 'require');
        }
        return rewritten === code ? undefined : { code: rewritten };
      },
    },
  });
  if (JSON.stringify(found) !== JSON.stringify(EXPECTED)) throw new Error(`the bundle rewrote ${JSON.stringify(found)}, expected ${JSON.stringify(EXPECTED)}: see scripts/make/bundle.mjs`);
  const missed = BESIDE.exec(text);
  if (missed !== null) throw new Error(`the bundle would look for a file beside it: ${missed[0]}`);
  return text;
}

async function run(input, ...plugins) {
  const build = await rolldown({
    ...SOURCES_FIRST, input, plugins, platform: 'node', external: ABSENT, checks: { eval: false }, treeshake: SIDE_EFFECTS,
    onwarn(warning) { throw new Error(`${warning.code}: ${warning.message}`); },
  });
  try {
    const { output } = await build.generate({ format: 'esm', codeSplitting: false, comments: false });
    if (output.length !== 1) throw new Error(`the bundle has ${output.length} files`);
    return inAscii(output[0].code);
  } finally {
    await build.close();
  }
}

/** The same program without a character that V8 needs two bytes for: with a single one it would hold the whole text of the file at twice its size. */
export function inAscii(code) {
  // A backslash belongs to the character after it; before one beyond ASCII it means nothing, and is that of the escape.
  return code.replaceAll(/\\[\0-\x7f]|\\?([^\0-\x7f])/g, (text, unit) => (unit === undefined ? text : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** The version of the gateway. */
export function gatewayVersion() {
  return JSON.parse(readFileSync(join(ROOT, 'apps/gateway/package.json'), 'utf8')).version;
}
