// Writes into every published manifest which repository it comes from: a registry takes provenance only for the repository that built it,
// and links the readme's relative paths to it. The workflow that publishes passes its name; no other program needs it.
// usage: GITHUB_REPOSITORY=owner/name node scripts/name-repository.mjs
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const { GITHUB_REPOSITORY: repository, GITHUB_SERVER_URL: server = 'https://github.com' } = process.env;
if (!/^[\w.-]+\/[\w.-]+$/.test(repository ?? '')) {
  console.error('GITHUB_REPOSITORY must be owner/name');
  process.exit(1);
}

for (const area of ['packages', 'apps']) {
  for (const name of readdirSync(join(ROOT, area))) {
    const file = join(ROOT, area, name, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    if (manifest.private === true) continue;
    manifest.repository = { type: 'git', url: `git+${server}/${repository}.git`, directory: `${area}/${name}` };
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  }
}
