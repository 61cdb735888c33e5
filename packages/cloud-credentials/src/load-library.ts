import { CloudCredentialError } from './cloud-credential-error.ts';

/** Loads a library that only one kind of credential needs. Rejects with `library_missing` where it is not installed. */
export async function loadLibrary<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isMissing(error)) throw new CloudCredentialError('library_missing', `this kind of credential needs the package ${name}: install it beside the gateway (npm install ${name})`);
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_UNKNOWN_BUILTIN_MODULE');
}
