import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../config/reading/overrides.ts';
import { printable } from '../observe/log/printable.ts';
import { readPackageFile } from '../process/package-files.ts';
import { runCheck, runOnlineCheck, type CommandOutput } from './check.ts';
import { runCompletion, SHELLS } from './completion.ts';
import { httpUrl, wholeNumber } from './flag-values.ts';
import { addKeysCommand } from './keys/add-keys-command.ts';
import { addUsageCommand } from './usage/usage-command.ts';
import { addSimulateCommand } from './simulate/add-simulate-command.ts';

/** The process around the command line. */
export interface Surroundings extends CommandOutput {
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly setExitCode: (code: number) => void;
}

interface ConfigFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly operationsHost?: string;
  readonly operationsPort?: string;
  readonly logLevel?: string;
}

const DEMO_MODEL = 'claude-haiku-4-5';
/** Columns of an output that is no terminal: nothing is cut that a script may look for. */
const WIDE = 1_000;

/**
 * The `penstock` command line: every command with its flags, and help that shows how each is used. The larger commands are loaded
 * when they are run: a gateway that serves for months does not hold the demonstration in memory.
 */
export function createProgram(surroundings: Surroundings): Command {
  const { environment, workingDirectory, stdout, setExitCode } = surroundings;
  const { version } = JSON.parse(readPackageFile('package.json')) as { version: string };
  const reads = { environment, workingDirectory };
  // https://no-color.org: any value but the empty one.
  const hasColours = stdout.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
  // What stands in a file, a variable or an argument cannot steer the terminal. The demonstration and the comparison colour their own lines.
  const plain: CommandOutput = { stdout: printing(stdout), stderr: printing(surroundings.stderr) };
  const coloured: CommandOutput = { stdout, stderr: plain.stderr };
  const program = new Command('penstock')
    .configureOutput({ writeErr: (text) => { plain.stderr.write(text); } })
    .description('A gateway for the Anthropic API: /anthropic is a native pass-through, /v1 an OpenAI front door.')
    .version(version)
    .showHelpAfterError('(penstock --help lists the commands, penstock help COMMAND explains one)')
    .addHelpText('after', PROGRAM_HELP);

  program.command('start')
    .description('run the gateway until SIGTERM or SIGINT')
    .option('-c, --config <file>', 'configuration file (default: PENSTOCK_CONFIG, else config.json if there is one)')
    .option('--host <host>', 'address to listen on (server.host, PENSTOCK_HOST)')
    .option('--port <port>', 'port to listen on (server.port, PENSTOCK_PORT)')
    .option('--operations-host <host>', 'address of /metrics, /livez and /readyz (operations.host)')
    .option('--operations-port <port>', 'port of /metrics, /livez and /readyz (operations.port)')
    .option('--log-level <level>', 'how much is logged (log.level)')
    .addOption(new Option('--log-format <format>').argParser(refuseLogFormat).hideHelp())
    .option('--simulate', 'use the built-in simulator as upstream: no key, no cost', false)
    .option('--simulate-without-key', 'the same, but only when no key is configured', false)
    .addHelpText('after', START_HELP)
    .action(async ({ simulate, simulateWithoutKey, ...argv }: ConfigFlags & { simulate: boolean; simulateWithoutKey: boolean }) => {
      const { runStart } = await import('./start.ts');
      setExitCode(await runStart({ ...reads, argv, simulate, simulateWithoutKey, version, logStyle: hasColours ? 'coloured' : stdout.isTTY === true ? 'text' : 'json' }, plain));
    });

  program.command('check')
    .description('validate the configuration and print it as it would be used, secrets masked')
    .option('-c, --config <file>', 'configuration file (default: PENSTOCK_CONFIG, else config.json if there is one)')
    .option('--simulate', 'check for a run with the simulator, which needs no key', false)
    .option('--online', 'ask each upstream once for its models, or each cloud for a count of tokens, with the credential of the gateway', false)
    .option('--as <caller>', 'print what a caller may do, and why: an e-mail address, SUB, ISSUER:SUB or client:NAME')
    .option('--group <name...>', 'groups of that caller, as its token names them')
    .option('--issuer <name>', 'whose person an e-mail address is (default: sign_in)')
    .addHelpText('after', CHECK_HELP)
    .action(async ({ simulate, online, as: text, group: groups = [], issuer, ...argv }: ConfigFlags & { simulate: boolean; online: boolean; as?: string; group?: readonly string[]; issuer?: string }) => {
      if (online && text === undefined) {
        const { askModels } = await import('./ask-models.ts');
        setExitCode(await runOnlineCheck({ ...reads, argv }, plain, askModels));
        return;
      }
      setExitCode(runCheck({ ...reads, argv, simulate }, plain, text === undefined ? undefined : { text, groups, issuer }));
    });

  program.command('status')
    .description('print what is wrong with a running gateway, and what is open, once')
    .option('-c, --config <file>', 'configuration file of the gateway (default: PENSTOCK_CONFIG, else config.json if there is one)')
    .option('--url <url>', 'its operations listener, such as http://127.0.0.1:9464 (default: that of the configuration)', httpUrl)
    .option('--json', 'print the document of /status.json', false)
    .addHelpText('after', STATUS_HELP)
    .action(async ({ url, json, ...argv }: ConfigFlags & { url?: string; json: boolean }) => {
      const { runStatus } = await import('./status/run-status.ts');
      setExitCode(await runStatus({ ...reads, argv, url, json, columns: stdout.columns ?? WIDE }, plain));
    });

  program.command('top')
    .description('watch a running gateway in the terminal: what is wrong, who holds connections, what is open')
    .option('-c, --config <file>', 'configuration file of the gateway (default: PENSTOCK_CONFIG, else config.json if there is one)')
    .option('--url <url>', 'its operations listener, such as http://127.0.0.1:9464 (default: that of the configuration)', httpUrl)
    .option('--interval <seconds>', 'seconds between two readings', wholeNumber, 1)
    .addHelpText('after', TOP_HELP)
    .action(async ({ url, interval, ...argv }: ConfigFlags & { url?: string; interval: number }) => {
      const { runTop } = await import('./status/run-top.ts');
      setExitCode(await runTop({ ...reads, argv, url, intervalMs: interval * 1_000, screen: stdout, keys: process.stdin, hasColours }, plain));
    });

  addUsageCommand(program, { reads, output: plain, setExitCode });

  addKeysCommand(program, { reads, output: plain, setExitCode });

  addSimulateCommand(program, { output: plain, setExitCode });

  program.command('demo')
    .description('show what the gateway does: formats, streaming, tools, errors, headers, isolation, a broken stream')
    .option('-c, --config <file>', 'configuration file')
    .option('--simulate', 'use the built-in simulator even when a key is configured', false)
    .option('--model <model>', 'the model to ask', DEMO_MODEL)
    .addHelpText('after', DEMO_HELP)
    .action(async ({ simulate, model, ...argv }: ConfigFlags & { simulate: boolean; model: string }) => {
      const { runDemoCommand } = await import('./demo.ts');
      setExitCode(await runDemoCommand({ ...reads, argv, simulate, model, hasColours }, coloured));
    });

  program.command('compare')
    .description('ask an OpenAI-format endpoint and the native one the same question, side by side')
    .option('--openai <url>', 'base URL in OpenAI\'s format, with /v1', httpUrl, 'http://127.0.0.1:8000/v1')
    .option('--native <url>', 'base URL of the native side, with /anthropic', httpUrl, 'http://127.0.0.1:8000/anthropic')
    .option('--model <model>', 'the model to ask', DEMO_MODEL)
    .option('--openai-model <model>', 'its name at the OpenAI-format endpoint, where it differs')
    .option('--prompt <text>', 'what to ask', 'In one sentence: what does a penstock do?')
    .option('--max-tokens <number>', 'the longest answer, in tokens', wholeNumber, 256)
    .addHelpText('after', COMPARE_HELP)
    .action(async (flags: { openai: string; native: string; model: string; openaiModel?: string; prompt: string; maxTokens: number }) => {
      const { runCompare } = await import('./compare.ts');
      setExitCode(await runCompare({ ...flags, openaiKey: environment['PENSTOCK_COMPARE_OPENAI_KEY'], nativeKey: environment['PENSTOCK_COMPARE_NATIVE_KEY'] }, coloured));
    });

  program.command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell to complete in').choices(SHELLS))
    .addHelpText('after', COMPLETION_HELP)
    .action((shell: string) => {
      setExitCode(runCompletion(program, shell, plain));
    });
  return program;
}

function printing(stream: { write(text: string): unknown }): { write(text: string): unknown } {
  return { write: (text) => stream.write(printable(text)) };
}

/** The flag that is looked for beside `--log-level`. */
function refuseLogFormat(): never {
  throw new InvalidArgumentError('There is no such flag: set log.format in the configuration file.');
}

const PROGRAM_HELP = `
Begin here:
  penstock demo                               see what it does, without a key
  penstock start --simulate                   try it without a key, against the built-in simulator
  ANTHROPIC_API_KEY=... penstock start        serve the Anthropic API on 127.0.0.1:8000
  penstock check --config gateway.json        see the effective configuration, or everything wrong with it
  penstock keys create alice                  make a key for a client; penstock keys list and revoke
  penstock top                                watch a running gateway; penstock status prints the same once

Exit codes:
  0  ended as asked: stopped by a signal, the configuration is sound, every claim of the demo held
  1  refused to start, a wrong command line, a problem in the configuration, a claim that failed
  With a second SIGINT or SIGTERM the process ends at once, whatever is open.

Environment: ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, PENSTOCK_CONFIG, PENSTOCK_HOST, PENSTOCK_PORT, PENSTOCK_OPERATIONS_HOST,
  PENSTOCK_OPERATIONS_PORT, PENSTOCK_LOG_LEVEL; NO_COLOR for plain output. Flags win over these, these over the file.`;

const START_HELP = `
Clients then use http://127.0.0.1:8000/anthropic (Anthropic SDKs, Claude Code) or http://127.0.0.1:8000/v1 (OpenAI SDKs).
SIGTERM and SIGINT let open responses end (server.drain_timeout); SIGHUP, or saving the file, reloads the configuration; SIGHUP also
opens the log's file anew; SIGUSR2 replaces the workers one by one (server.workers).

Examples:
  penstock start --simulate --port 8001
  ANTHROPIC_API_KEY=... penstock start --config gateway.json --log-level debug`;

const CHECK_HELP = `
Standard output holds the effective configuration as JSON and nothing else, or with --as what that caller may do; problems, warnings and the
answers of --online go to standard error.

Example:
  penstock check --config gateway.json > /dev/null && penstock start --config gateway.json
  penstock check --config gateway.json --online > /dev/null
  penstock check --config gateway.json --as alice@example.com --group engineering`;

const STATUS_HELP = `
The token of the listener (operations.token) is read from the configuration or from PENSTOCK_OPERATIONS_TOKEN, never from the command line.

Exit codes:
  0  all is well, or nothing has to be mended
  1  a warning: some requests fail, or will
  2  an error: requests fail
  3  the status could not be read

Example:
  penstock status --url http://127.0.0.1:9464 --json | jq .verdict.text`;

const TOP_HELP = `
Keys: q quits, s changes the order, space pauses. Without a terminal one frame is printed.

Example:
  penstock top --config gateway.json`;

const DEMO_HELP = `
With ANTHROPIC_API_KEY set, about ten short requests go to the real API. The exit code says whether every printed claim held.`;

const COMPARE_HELP = `
Keys are read from PENSTOCK_COMPARE_OPENAI_KEY and PENSTOCK_COMPARE_NATIVE_KEY, never from the command line. The exit code is 0 when
both answered and agree in status, stop reason, input tokens and the presence of text.

Example, from another OpenAI-format proxy to this gateway:
  penstock compare --openai https://old-proxy.example/v1 --openai-model anthropic/claude-haiku-4-5`;

const COMPLETION_HELP = `
  bash   source <(penstock completion bash)
  zsh    source <(penstock completion zsh)
  fish   penstock completion fish | source`;
