import { join } from 'node:path';
import { createScratchFolder } from './scratch-folder.ts';
import { run } from './workspace.ts';

/** A virtual environment, or why there is none. */
export interface PythonEnvironment {
  readonly python: string;
  /** Why it cannot be used; undefined when it can. */
  readonly missing: string | undefined;
  remove(): void;
}

/** Makes a virtual environment and installs packages into it. */
export function createPythonEnvironment(...packages: readonly string[]): PythonEnvironment {
  const scratch = createScratchFolder();
  const ready = (missing: string | undefined): PythonEnvironment => ({ python: join(scratch.path, 'bin/python'), missing, remove: () => scratch.remove() });
  if (run('python3', ['-m', 'venv', scratch.path]).code !== 0) return ready('python3 with venv is not installed');
  const installed = run(join(scratch.path, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
  return ready(installed.code === 0 ? undefined : `${packages.join(', ')} cannot be installed here`);
}
