import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createClientKey, hashClientKey } from '../../access/clients/client-key.ts';
import { ConfigError, isConfigError, valueProblem } from '../../config/config-error.ts';
import { isExampleHash, isKnownKey } from '../../config/problems/known-keys.ts';
import { findConfigFile } from '../../config/reading/read-config-file.ts';
import { clientKeys, isMoment, type ClientKey } from '../../config/sections/client-keys.ts';
import { CLIENT_NAME_EXPECTED, isClientName } from '../../config/sections/clients-section.ts';
import { addKey, KeyChangeError, revokeKeys } from './change-keys.ts';
import { changeFile, ConfigWriteError } from './change-file.ts';
import { editText, type TextEdit } from './edit-text.ts';
import { readClients, type ReadClients } from './read-clients.ts';
import type { CommandOutput } from '../check.ts';
import type { Environment } from '../../config/reading/overrides.ts';

/** Where the commands look for the configuration. */
export interface KeysOptions {
  readonly config?: string | undefined;
  readonly environment: Environment;
  readonly workingDirectory: string;
}

/** The flags of `penstock keys create`. */
export interface CreateKeyOptions extends KeysOptions {
  readonly name: string;
  readonly expiresAt?: string | undefined;
  readonly othersExpireAt?: string | undefined;
}

/**
 * `penstock keys create NAME`: makes a client key and prints it once. With `--config` it puts the hash into that file, else it prints the
 * entry of `clients`. Returns the exit code.
 */
export function runKeysCreate({ name, config, environment, workingDirectory, expiresAt, othersExpireAt }: CreateKeyOptions, { stdout, stderr }: CommandOutput): number {
  return reporting(stderr, () => {
    if (!isClientName(name)) throw new KeyChangeError(`NAME must be ${CLIENT_NAME_EXPECTED}, received ${JSON.stringify(name)}`);
    for (const [flag, moment] of [['--expires-at', expiresAt], ['--others-expire-at', othersExpireAt]] as const) {
      if (moment !== undefined && !isMoment(moment)) throw new KeyChangeError(`${flag} must be a date or a time with its offset, such as 2027-01-31 or 2027-01-31T18:00:00Z, received ${JSON.stringify(moment)}`);
    }
    if (othersExpireAt !== undefined && config === undefined) throw new KeyChangeError('--others-expire-at needs --config, which names the file that has the other keys');
    const key = createClientKey();
    const sha256 = hashClientKey(key);
    const shown = `The key of ${name}. It is shown this once and stored nowhere:\n\n  ${key}\n\n`;
    if (config === undefined) {
      const entry = JSON.stringify({ name, key_sha256: expiresAt === undefined ? sha256 : [{ sha256, expires_at: expiresAt }] });
      stdout.write(`${shown}The entry for "clients" in the configuration:\n\n  ${entry}\n`);
      return 0;
    }
    const path = resolve(workingDirectory, config);
    change(path, environment, (read) => addKey(read, { name, sha256, expiresAt, othersExpireAt }));
    stdout.write(`${shown}Its hash is in ${path}. A running gateway reloads the file by itself.\n`);
    return 0;
  });
}

/** `penstock keys revoke NAME`: takes one key or all keys of a client out of the file. Returns the exit code. */
export function runKeysRevoke({ name, key, ...options }: KeysOptions & { readonly name: string; readonly key?: string | undefined }, { stdout, stderr }: CommandOutput): number {
  return reporting(stderr, () => {
    let revoked: readonly string[] = [];
    const path = fileOf(options);
    change(path, options.environment, (read) => {
      const changes = revokeKeys(read, name, key);
      revoked = changes.revoked;
      return changes.edits;
    });
    stdout.write(`Revoked of ${name}: ${revoked.map(shorten).join(', ')}. A running gateway reloads ${path} by itself; responses that are open finish.\n`);
    return 0;
  });
}

/** `penstock keys list`: prints every key by the start of its hash, and whether it is taken. Returns the exit code. */
export function runKeysList({ json, ...options }: KeysOptions & { readonly json: boolean }, { stdout, stderr }: CommandOutput): number {
  return reporting(stderr, () => {
    const path = fileOf(options);
    const { clients } = readClients(readText(path), path, options.environment);
    const rows = clients.flatMap((client) => {
      const keys = clientKeys(client);
      return keys.length === 0 ? [{ client: client.name, key: '-', state: 'no key' }] : keys.map((key) => ({ client: client.name, key: shorten(key.sha256), state: stateOf(key) }));
    });
    if (json) stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    else stdout.write(table([{ client: 'CLIENT', key: 'KEY', state: 'STATE' }, ...rows]));
    return 0;
  });
}

function stateOf({ sha256, expiresAt }: ClientKey): string {
  if (isKnownKey(sha256)) return 'refused: a well-known word';
  if (isExampleHash(sha256)) return 'example: there is no key';
  if (expiresAt === Number.POSITIVE_INFINITY) return 'taken';
  return `${Date.now() >= expiresAt ? 'expired' : 'expires'} ${new Date(expiresAt).toISOString()}`;
}

function table(rows: readonly { readonly client: string; readonly key: string; readonly state: string }[]): string {
  const width = Math.max(...rows.map(({ client }) => client.length));
  return rows.map(({ client, key, state }) => `${client.padEnd(width)}  ${key.padEnd(9)}  ${state}\n`).join('');
}

/** As `penstock check` prints a hash: enough to tell keys apart. */
function shorten(sha256: string): string {
  return `${sha256.slice(0, 8)}…`;
}

function fileOf({ config, environment, workingDirectory }: KeysOptions): string {
  const found = findConfigFile({ config }, environment, workingDirectory);
  if (found === undefined) throw new KeyChangeError('there is no configuration file: name it with --config');
  return found;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new ConfigError('unreadable', path, [valueProblem('', 'a readable file', 'no such file, or an unreadable one')], [path]);
  }
}

function change(path: string, environment: Environment, edits: (read: ReadClients) => readonly TextEdit[]): void {
  changeFile(path, (text) => {
    const changed = editText(text, edits(readClients(text, path, environment)));
    // What is written must be what the gateway can read.
    readClients(changed, path, environment);
    return changed;
  });
}

function reporting(stderr: CommandOutput['stderr'], run: () => number): number {
  try {
    return run();
  } catch (error) {
    if (!(isConfigError(error) || error instanceof KeyChangeError || error instanceof ConfigWriteError)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  }
}
