import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isConfigError } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { ConfigError } from '../../src/config/config-error.ts';
import type { LoadConfigOptions, LoadedConfig } from '../../src/config/load-config.ts';

/** A key for tests that need one to get past the rule that there must be one. */
export const TEST_KEY = 'sk-ant-api03-test-key-of-the-configuration';

/** What a test gives `loadConfig`; `file` becomes config.json (an object) or its very text (a string). */
export interface Attempt extends Partial<Omit<LoadConfigOptions, 'workingDirectory'>> {
  readonly file?: unknown;
  readonly files?: Readonly<Record<string, string>>;
}

/** Loads a configuration from a folder of its own. A key is in the environment unless the test gives one. */
export function attemptLoad({ file, files = {}, argv = {}, environment = { ANTHROPIC_API_KEY: TEST_KEY }, simulate = false }: Attempt): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-config-'));
  try {
    if (file !== undefined) writeFileSync(join(folder, 'config.json'), typeof file === 'string' ? file : JSON.stringify(file));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return loadConfig({ argv, environment, workingDirectory: folder, simulate });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The `ConfigError` that a load ends in. */
export function refusalOf(attempt: Attempt): ConfigError {
  try {
    attemptLoad(attempt);
  } catch (error) {
    if (isConfigError(error)) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** The messages of a refused load. */
export function problemsOf(attempt: Attempt): string[] {
  return refusalOf(attempt).problems.map(({ message }) => message);
}
