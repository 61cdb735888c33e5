import { nearestName } from '@penstock/option-names';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Environment } from '../../config/reading/overrides.ts';
import type { UsageKey } from '../../ledger/usage/usage-query.ts';
import type { CommandOutput } from '../check.ts';
import { httpUrl } from '../flag-values.ts';

/** What the command needs of the program. */
export interface UsageCommandContext {
  readonly reads: { readonly environment: Environment; readonly workingDirectory: string };
  readonly output: CommandOutput;
  readonly setExitCode: (code: number) => void;
}

/** By their names alone: a gateway without a ledger does not load it to describe this command. */
const KEYS: readonly UsageKey[] = ['client', 'person', 'group', 'model', 'day'];

interface UsageFlags {
  readonly config?: string;
  readonly url?: string;
  readonly by: string;
  readonly since?: string;
  readonly until?: string;
  readonly csv?: true;
  readonly json?: true;
}

/** Adds `penstock usage`. */
export function addUsageCommand(program: Command, { reads, output, setExitCode }: UsageCommandContext): void {
  program.command('usage')
    .description('print what a running gateway counted: requests, tokens and cost')
    .option('-c, --config <file>', 'configuration file of the gateway (default: PENSTOCK_CONFIG, else config.json if there is one)')
    .option('--url <url>', 'its operations listener, such as http://127.0.0.1:9464 (default: that of the configuration)', httpUrl)
    .addOption(new Option('--by <key>', 'what a line stands for').choices(KEYS).argParser(readKey).default('client'))
    .option('--since <date>', 'the first day in UTC, such as 2026-11-01 or 7d (default: the first of this month)')
    .option('--until <date>', 'the last day, included (default: today)')
    .addOption(new Option('--csv', 'print comma-separated values, costs exact').conflicts('json'))
    .option('--json', 'print the document of /v1/usage')
    .addHelpText('after', USAGE_HELP)
    .action(async ({ url, by, since, until, csv, json, ...argv }: UsageFlags) => {
      const { runUsage } = await import('./run-usage.ts');
      setExitCode(await runUsage({ ...reads, argv, url, by, since, until, format: json === true ? 'json' : csv === true ? 'csv' : 'table' }, output));
    });
}

/** As `choices` reads a key, with the nearest one of a key that does not exist. */
function readKey(text: string): string {
  if (KEYS.some((key) => key === text)) return text;
  const nearest = nearestName(text, KEYS);
  throw new InvalidArgumentError(`Allowed choices are ${KEYS.join(', ')}${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`);
}

const USAGE_HELP = `
The key (one of admin.read_keys or admin.write_keys) is read from PENSTOCK_ADMIN_KEY, else from the configuration, never from the command line.
Days are those of UTC. The last second may be missing: costs are written behind the responses.

Example:
  penstock usage --by person --since 30d
  penstock usage --by day --csv > usage.csv`;
