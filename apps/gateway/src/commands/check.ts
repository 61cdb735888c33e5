import { isConfigError } from '../config/config-error.ts';
import { describeConfig } from '../config/describe-config.ts';
import { loadConfig } from '../config/load-config.ts';
import { explainCaller, type NamedCaller } from './explain-caller.ts';
import type { OnlineAnswer } from './online-answer.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { LoadConfigOptions } from '../config/load-config.ts';

/** Where a command writes. */
export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** `penstock check --online`: the same, and each upstream is asked once with the gateway's credential. Returns the exit code: 1 also for one that was not taken. */
export async function runOnlineCheck(options: LoadConfigOptions, output: CommandOutput, ask: (config: GatewayConfig) => Promise<readonly OnlineAnswer[]>): Promise<number> {
  const code = runCheck(options, output);
  if (code !== 0) return code;
  const answers = await ask(loadConfig(options).config);
  for (const { text } of answers) output.stderr.write(`${text}.\n`);
  return answers.every(({ accepted }) => accepted) ? 0 : 1;
}

/**
 * `penstock check`: prints the configuration as it would be used, secrets masked, or every problem in it.
 * With a caller it prints what that one may do instead, and why. Standard output holds JSON and nothing else. Returns the exit code: 0 when it is
 * sound (and the caller is admitted), else 1.
 */
export function runCheck(options: LoadConfigOptions, { stdout, stderr }: CommandOutput, caller?: NamedCaller): number {
  try {
    const { config, sourcePath, warnings } = loadConfig(options);
    if (caller !== undefined) return printCaller(config, caller, { stdout, stderr });
    stdout.write(`${JSON.stringify(describeConfig(config), null, 2)}\n`);
    for (const warning of warnings) stderr.write(`Warning: ${warning}\n`);
    stderr.write(`The configuration is sound (${sourcePath ?? 'no file; environment and defaults'}).\n`);
    return 0;
  } catch (error) {
    if (!isConfigError(error)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  }
}

function printCaller(config: GatewayConfig, caller: NamedCaller, { stdout, stderr }: CommandOutput): number {
  const report = explainCaller(config, caller);
  if (report === undefined) {
    stderr.write('The configuration has no such client or issuer: name an e-mail address, SUB, ISSUER:SUB or client:NAME.\n');
    return 1;
  }
  stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return report.admitted ? 0 : 1;
}
