import type { Command } from 'commander';
import type { Environment } from '../../config/reading/overrides.ts';
import type { CommandOutput } from '../check.ts';

/** What the commands need of the program. */
export interface KeysCommandContext {
  readonly reads: { readonly environment: Environment; readonly workingDirectory: string };
  readonly output: CommandOutput;
  readonly setExitCode: (code: number) => void;
}

const CONFIG_FLAG = 'configuration file (default: PENSTOCK_CONFIG, else config.json if there is one)';

/** Adds `penstock keys` with its commands. */
export function addKeysCommand(program: Command, { reads, output, setExitCode }: KeysCommandContext): void {
  const keys = program.command('keys').description('client keys: who may use the gateway');

  keys.command('create')
    .argument('<name>', 'the name of the client in logs and metrics')
    .description('make a client key and print it once; with --config, put its hash into that file')
    .option('-c, --config <file>', 'configuration file to put the hash into: a new client, or one more key of that client')
    .option('--expires-at <time>', 'when the key ends: 2027-01-31 or 2027-01-31T18:00:00Z')
    .option('--others-expire-at <time>', 'when the other keys of this client end')
    .addHelpText('after', CREATE_HELP)
    .action(async (name: string, flags: { config?: string; expiresAt?: string; othersExpireAt?: string }) => {
      const { runKeysCreate } = await import('./run-keys.ts');
      setExitCode(runKeysCreate({ ...reads, ...flags, name }, output));
    });

  keys.command('list')
    .description('print the keys of a configuration by the start of their hashes, and when they end')
    .option('-c, --config <file>', CONFIG_FLAG)
    .option('--json', 'print JSON', false)
    .action(async (flags: { config?: string; json: boolean }) => {
      const { runKeysList } = await import('./run-keys.ts');
      setExitCode(runKeysList({ ...reads, ...flags }, output));
    });

  keys.command('revoke')
    .argument('<name>', 'the name of the client')
    .description('take the keys of a client out of the configuration, or one of them')
    .option('-c, --config <file>', CONFIG_FLAG)
    .option('--key <hash>', 'the start of the hash of one key, as penstock keys list prints it')
    .addHelpText('after', REVOKE_HELP)
    .action(async (name: string, flags: { config?: string; key?: string }) => {
      const { runKeysRevoke } = await import('./run-keys.ts');
      setExitCode(runKeysRevoke({ ...reads, ...flags, name }, output));
    });
}

const CREATE_HELP = `
The key is shown once and stored nowhere. The file is replaced as a whole, with its mode, its comments and its form.

Examples:
  penstock keys create alice                                                                print the key and an entry for "clients"
  penstock keys create alice --config gateway.json                                          and put the entry into the file
  penstock keys create alice --config gateway.json --others-expire-at 2027-01-31T00:00:00Z  rotate: both keys are taken until then`;

const REVOKE_HELP = `
The client stays in the file without a key, with its limits: penstock keys create gives it a new one.

Example:
  penstock keys revoke alice --config gateway.json --key 9bfaa4cc`;
