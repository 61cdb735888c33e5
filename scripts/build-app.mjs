// Builds an app and its packages. Prints only when the build takes a while or fails, so that the first output is that of the app.
// usage: node scripts/build-app.mjs NAME
import { spawn } from 'node:child_process';

const SILENT_MS = 1_500;
const [name] = process.argv.slice(2);
const build = spawn('turbo', ['run', 'build', `--filter=${name}`, '--log-order=grouped', '--output-logs=errors-only'], {
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' }, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32',
});
const notice = setTimeout(() => console.error(`building ${name}; the first time takes about ten seconds`), SILENT_MS);
let output = '';
for (const stream of [build.stdout, build.stderr]) stream.on('data', (chunk) => { output += chunk; });
build.on('error', (error) => { output += `${error.message}\n`; });
build.on('close', (code) => {
  clearTimeout(notice);
  if (code === 0) return;
  console.error(output);
  process.exitCode = code ?? 1;
});
