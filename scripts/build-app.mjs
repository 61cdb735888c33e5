// Builds an app and its packages. Prints only when the build takes a while or fails, so that the first output is that of the app.
// usage: node scripts/build-app.mjs NAME
import { spawn } from 'node:child_process';
import { installApp, isWhole } from './install-app.mjs';

const SILENT_MS = 1_500;
const [name] = process.argv.slice(2);
const TURBO = ['turbo', 'run', 'build', `--filter=${name}`, '--log-order=grouped', '--output-logs=errors-only'];
/** Without the types of the test suites there is nothing to check: the compiler only writes. */
const COMPILER = ['node', 'node_modules/typescript/bin/tsc', '-b', 'apps/gateway', '--noCheck'];

function build([command, ...words]) {
  const child = spawn(command, words, { env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' }, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
  const notice = setTimeout(() => console.error(`building ${name}; the first time takes about ten seconds`), SILENT_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
  child.on('error', (error) => { output += `${error.message}\n`; });
  child.on('close', (code) => {
    clearTimeout(notice);
    if (code === 0) return;
    console.error(output);
    process.exitCode = code ?? 1;
  });
}

const isAlone = name === '@penstock/gateway' && !isWhole();
const problem = isAlone ? installApp() : undefined;
if (problem === undefined) build(isAlone ? COMPILER : TURBO);
else {
  console.error(problem);
  process.exitCode = 1;
}
