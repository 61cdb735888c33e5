import { execFile } from 'node:child_process';
import type { OptionType } from '@penstock/option-names';
import type { CloudCredential, RenewalOptions } from '../cloud-credential.ts';
import { checkOptions, RENEWAL_TYPES } from '../check-options.ts';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { MAX_TOKEN_BYTES } from './bearer-token.ts';
import { FETCH_TIMEOUT_MS } from './renewed-value.ts';
import { createTokenCredential } from './token-credential.ts';

/** How long what a command printed is used before it is run again, in milliseconds. */
export const COMMAND_REFRESH_MS = 300_000;

/** Options of `createCommandCredential`. */
export interface CommandCredentialOptions extends RenewalOptions {
  /** The absolute path of a program, and its arguments. No shell reads it. */
  readonly command: readonly string[];
}

const TYPES: Readonly<Record<keyof CommandCredentialOptions, OptionType>> = { command: 'list', ...RENEWAL_TYPES };

/**
 * A bearer that a command prints: one line of at most 16 KiB, within 10 seconds, with exit code 0. It runs without a shell, in `/` and with an environment
 * of `PATH` alone, and again every 5 minutes.
 *
 * @throws CloudCredentialError `invalid_option`, `unknown_option`
 */
export function createCommandCredential(options: CommandCredentialOptions): CloudCredential {
  checkOptions(options, TYPES);
  const [program = '', ...args] = options.command;
  if (!program.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(program)) throw new CloudCredentialError('invalid_option', 'command must begin with the absolute path of a program');
  return createTokenCredential({ name: program, refreshMs: COMMAND_REFRESH_MS, fetch: async (signal) => ({ value: await run(program, args, signal), expiresAt: undefined }) }, options);
}

function run(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(program, args, {
    // Nothing of the gateway's environment, which holds its secrets.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }, cwd: '/', encoding: 'latin1', maxBuffer: MAX_TOKEN_BYTES + 2, timeout: FETCH_TIMEOUT_MS, killSignal: 'SIGKILL', signal, windowsHide: true,
  }, (error, output) => {
    if (error !== null) {
      reject(failureOf(program, error));
      return;
    }
    resolve(output.replace(/\r?\n$/, ''));
  }).stdin?.end();
  return promise;
}

/** What it printed is not repeated, on either stream: it may be a secret. */
function failureOf(program: string, { code, killed, signal }: { readonly code?: string | number | null | undefined; readonly killed?: boolean | undefined; readonly signal?: string | null | undefined }): CloudCredentialError {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return new CloudCredentialError('invalid_value', `${program} must give one line of at most ${MAX_TOKEN_BYTES} bytes without spaces`);
  if (killed === true) return new CloudCredentialError('timeout', `${program} took more than ${FETCH_TIMEOUT_MS / 1000} seconds`);
  if (typeof code === 'number') return new CloudCredentialError('command_failed', `${program} ended with exit code ${code}`);
  return new CloudCredentialError('command_failed', `${program} could not be run (${code ?? signal ?? 'unknown'})`);
}
