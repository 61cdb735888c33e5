import type { Environment } from '../config/reading/overrides.ts';

/**
 * The folder that relative paths of the command line start from. The script `penstock` of this repository runs in its root, wherever it was
 * called: pnpm keeps the caller's folder in `INIT_CWD`. Any other program starts in the folder that it means.
 */
export function invocationFolder(environment: Environment, workingDirectory: string): string {
  const isOwnScript = environment['npm_package_name'] === 'penstock-workspace' && environment['npm_lifecycle_event'] === 'penstock';
  return (isOwnScript ? environment['INIT_CWD'] : undefined) ?? workingDirectory;
}
