import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const PACKAGES = resolve(import.meta.dirname, '../..');

/** Runs a program beside a copy of this package's sources in which no cloud library is installed. */
async function runWithoutLibraries(program: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-without-'));
  try {
    const names = join(folder, 'node_modules/@penstock/option-names');
    mkdirSync(names, { recursive: true });
    cpSync(join(PACKAGES, 'cloud-credentials/src'), join(folder, 'src'), { recursive: true });
    cpSync(join(PACKAGES, 'option-names/src'), join(folder, 'option-names'), { recursive: true });
    writeFileSync(join(names, 'package.json'), JSON.stringify({ name: '@penstock/option-names', type: 'module', exports: { '.': './index.js', './supported-node': './supported-node.js' } }));
    // Node strips no types below node_modules.
    writeFileSync(join(names, 'index.js'), "export * from '../../../option-names/index.ts';");
    writeFileSync(join(names, 'supported-node.js'), "import '../../../option-names/supported-node.ts';");
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    writeFileSync(join(folder, 'program.ts'), program);
    return (await run(process.execPath, [join(folder, 'program.ts')], { env: { PATH: process.env['PATH'] } })).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('each kind whose library is not installed fails with its name and the command that installs it, and a command needs none', async () => {
  const output = await runWithoutLibraries(`
    import { createAwsCredential, createBearerCredential, createEntraCredential, createGoogleCredential } from './src/index.ts';
    const request = { method: 'GET', url: new URL('https://x.example/'), headers: [], body: null };
    const failures = [];
    for (const credential of [
      createAwsCredential({ region: 'r', service: 's' }), createAwsCredential({ region: 'r', service: 's', source: { accessKeyId: 'a', secretAccessKey: 'b' } }),
      createGoogleCredential(), createEntraCredential({ environment: {} }),
    ]) {
      try { await credential.fieldsFor(request); } catch (error) { failures.push(error.code + ' ' + error.message.split(': ')[1]); }
    }
    console.log(JSON.stringify([failures, createBearerCredential('t').fieldsFor(request)]));
  `);
  const install = (name: string): string => `library_missing install it beside the gateway (npm install ${name})`;
  const [failures, fields] = JSON.parse(output) as [string[], string[]];
  expect(failures).toEqual([install('@smithy/signature-v4'), install('@smithy/signature-v4'), install('google-auth-library'), install('@azure/msal-node')]);
  expect(fields).toEqual(['authorization', 'Bearer t']);
});
