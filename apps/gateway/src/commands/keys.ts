import { createClientKey, hashClientKey } from '../access/clients/client-key.ts';
import { CLIENT_NAME_EXPECTED, isClientName } from '../config/sections/clients-section.ts';
import type { CommandOutput } from './check.ts';

/** `penstock keys create NAME`: makes a client key, prints it once, and the entry of `clients` with its hash. Returns the exit code. */
export function runKeysCreate(name: string, { stdout, stderr }: CommandOutput): number {
  if (!isClientName(name)) {
    stderr.write(`NAME must be ${CLIENT_NAME_EXPECTED}, received ${JSON.stringify(name)}\n`);
    return 1;
  }
  const key = createClientKey();
  const entry = JSON.stringify({ name, key_sha256: hashClientKey(key) });
  stdout.write(`The key of ${name}. It is shown this once and stored nowhere:\n\n  ${key}\n\nThe entry for "clients" in the configuration:\n\n  ${entry}\n`);
  return 0;
}
