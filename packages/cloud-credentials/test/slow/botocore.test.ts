import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { array, constantFrom, record, sample, string, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { fieldsOf, type SignedRequest } from '../signed-requests.ts';

const run = promisify(execFile);
const SCRIPT = new URL('sign-with-botocore.py', import.meta.url).pathname;

/** A Python that has botocore, of the system or from its package index; `undefined` where there is none. */
async function findPython(folder: string): Promise<string | undefined> {
  try {
    await run('python3', ['-c', 'import botocore']);
    return 'python3';
  } catch { /* It may be installed. */ }
  try {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', 'botocore==1.44.8'], { timeout: 120_000 });
    return join(folder, 'bin/python3');
  } catch {
    return undefined;
  }
}

const segment = string({ unit: constantFrom('a', 'B', '7', '-', '.', '_', '~', ':', '@', ' ', 'é', '/', '+', '='), minLength: 1, maxLength: 12 })
  // A dot segment is resolved by every URL parser before anything is signed.
  .filter((text) => !/^\.{1,2}$/.test(text)).map(encodeURIComponent);

const request = record({
  method: constantFrom('GET', 'POST', 'DELETE'),
  url: record({ path: array(segment, { maxLength: 4 }), query: array(record({ name: segment, value: segment }).map(({ name, value }) => `${name}=${value}`), { maxLength: 4 }) })
    .map(({ path, query }) => `https://service.us-east-1.example/${path.join('/')}${query.length === 0 ? '' : `?${query.join('&')}`}`),
  headers: array(record({ name: constantFrom('anthropic-beta', 'Anthropic-Version', 'x-amzn-bedrock-accept', 'via', 'accept'), value: string({ unit: constantFrom('a', 'Z', '1', ' ', ',', ';', '-'), maxLength: 20 }) })
    .map(({ name, value }) => [name, value.trim().replaceAll(/ +/g, ' ')] as const), { maxLength: 6 }),
  body: uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  keys: constantFrom({ accessKeyId: 'AKID', secretAccessKey: 's3cr3t/+' }, { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 'tok+en/==' }),
  service: constantFrom('bedrock', 'bedrock-mantle', 'aws-external-anthropic'), region: constantFrom('us-east-1', 'eu-central-1'), at: constantFrom(1_796_000_000_000, 1_709_210_096_000),
});

it('signatures of 2,000 requests of chance are those of botocore', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-botocore-'));
  try {
    const python = await findPython(join(folder, 'venv'));
    if (python === undefined) {
      console.log('skipped: python3 with botocore is not there');
      return;
    }
    const requests: readonly SignedRequest[] = sample(request, { numRuns: 2_000 });
    const child = run(python, [SCRIPT], { maxBuffer: 64 * 1024 * 1024 });
    child.child.stdin?.end(JSON.stringify(requests));
    const expected = JSON.parse((await child).stdout) as readonly Record<string, string>[];
    for (const [index, one] of requests.entries()) expect({ url: one.url, ...await fieldsOf(one) }).toEqual({ url: one.url, ...expected[index] });
    expect(expected.length).toBe(2_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
