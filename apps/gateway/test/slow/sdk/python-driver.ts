import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { scrubbedEnvironment } from '@penstock/test-support';
import { cachedClient, type CachedClient } from '../clients/client-cache.ts';
import { run } from '../release/workspace.ts';
import type { SdkCall, SdkEnd } from './sdk-scenarios.ts';

/** The release that the suite drives. */
export const PYTHON_SDK = 'anthropic==2.14.0';

const PROGRAM = join(import.meta.dirname, 'drive_sdk.py');

/** Finds the Python SDK in the cache, or installs it there. */
export function findPythonSdk(): CachedClient {
  return cachedClient(PYTHON_SDK.replace('==', '-'), (folder) => {
    if (run('python3', ['-m', 'venv', folder]).code !== 0) return 'python3 with venv is not installed';
    const installed = run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PYTHON_SDK]);
    return installed.code === 0 ? undefined : `${PYTHON_SDK} cannot be installed here`;
  });
}

/** A process that makes one call after the other: importing the SDK takes longer than a call. */
export interface PythonDriver extends AsyncDisposable {
  drive(call: SdkCall, baseUrl: string): Promise<SdkEnd>;
}

/** Starts the process. */
export function startPythonDriver(folder: string): PythonDriver {
  const child = spawn(join(folder, 'bin/python'), [PROGRAM], { env: scrubbedEnvironment({ PYTHONUNBUFFERED: '1' }), stdio: ['pipe', 'pipe', 'inherit'] });
  const ends = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const closed = once(child, 'close');
  return {
    async drive(call, baseUrl) {
      child.stdin.write(`${JSON.stringify({ call, base_url: baseUrl })}\n`);
      const { value, done } = await ends.next();
      if (done === true) throw new Error('the Python process ended');
      return JSON.parse(value) as SdkEnd;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}
