import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { scrubbedEnvironment } from '@penstock/test-support';
import { expect, test } from 'vitest';

const SOURCES = resolve(import.meta.dirname, '../../src');

test.each([['process/run-process.ts', 'runProcess', 1], ['process/workers/run-workers.ts', 'runWorkers', 2]])(
  '%s: a signal that arrives with the ready line is obeyed (a supervisor may signal immediately)',
  async (file, run, workers) => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-signals-'));
    writeFileSync(join(folder, 'run.mjs'), `
      import { loadConfig } from ${JSON.stringify(`${SOURCES}/config/load-config.ts`)};
      import { ${run} } from ${JSON.stringify(`${SOURCES}/${file}`)};
      const environment = { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', PENSTOCK_PORT: '0', PENSTOCK_OPERATIONS_PORT: '0' };
      const loaded = loadConfig({ argv: {}, environment, workingDirectory: '/nonexistent' });
      process.exitCode = await ${run}({
        config: { ...loaded.config, server: { ...loaded.config.server, workers: ${workers} } }, files: [], version: '0', logStyle: 'json', viaPseudonym: 'test', tracing: undefined,
        reload: () => {
          setImmediate(() => process.kill(process.pid, 'SIGTERM'));
          return loaded;
        },
        onReady: () => process.kill(process.pid, 'SIGHUP'),
        onFailure: (message) => { throw new Error(message); },
      });`);
    const child = spawn(process.execPath, ['--conditions=@penstock/source', join(folder, 'run.mjs')], { env: scrubbedEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => { log += chunk.toString(); });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(log).toContain('configuration reloaded');
    rmSync(folder, { recursive: true });
  },
);
