import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../src/process/scavenge-on-one-thread.ts', import.meta.url).href;

/** The options of V8 that the module sets in a process of its own, one a line. */
function settingPrints(environment: Readonly<Record<string, string>>): string {
  const program = `const v8 = require('node:v8'); const set = v8.setFlagsFromString; v8.setFlagsFromString = (flag) => { console.log(flag); set(flag); };
    require('node:module').syncBuiltinESMExports(); import(${JSON.stringify(MODULE)}).then(({ scavengeOnOneThread }) => scavengeOnOneThread());`;
  return execFileSync(process.execPath, ['--conditions=@penstock/source', '--eval', program], { encoding: 'utf8', env: { ...process.env, ...environment } });
}

test('garbage of requests: V8 is set to collect young objects on the main thread, by an option that this V8 has', () => {
  expect(settingPrints({ PENSTOCK_PLAIN: '0' })).toBe('--no-parallel-scavenge\n');
  expect(execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })).toContain('--parallel-scavenge');
});

test('garbage of requests: PENSTOCK_PLAIN leaves V8 as it is', () => {
  expect(settingPrints({ PENSTOCK_PLAIN: '1' })).toBe('');
});
