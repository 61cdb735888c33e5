import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/commands/create-program.ts';
import { whyNodeIsTooOld } from '../../src/commands/why-node-is-too-old.ts';
import { startTestGateway } from '../start-test-gateway.ts';

/** Runs a command line in this process. */
async function penstock(args: readonly string[], environment: Record<string, string> = {}): Promise<{ code: number | undefined; stdout: string; stderr: string }> {
  const result: { code: number | undefined; stdout: string; stderr: string } = { code: undefined, stdout: '', stderr: '' };
  const program = createProgram({
    environment, workingDirectory: tmpdir(),
    stdout: { write: (text: string) => { result.stdout += text; } }, stderr: { write: (text: string) => { result.stderr += text; } },
    setExitCode: (code) => { result.code = code; },
  });
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: (text) => { result.stdout += text; }, writeErr: (text) => { result.stderr += text; } });
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    result.code = (error as { exitCode?: number }).exitCode ?? 1;
  }
  return result;
}

const COMMANDS = [['start'], ['check'], ['status'], ['top'], ['usage'], ['keys'], ['keys', 'create'], ['keys', 'list'], ['keys', 'revoke'], ['simulate'], ['demo'], ['compare'], ['completion']];

test('the command line: the tests below know every command (a new one has its help and its completion tested)', () => {
  const program = createProgram({ environment: {}, workingDirectory: tmpdir(), stdout: { write: () => true }, stderr: { write: () => true }, setExitCode: () => undefined });
  const namesOf = (command: Command): string[][] => command.commands.flatMap((child) => [[child.name()], ...namesOf(child).map((names) => [child.name(), ...names])]);
  expect(namesOf(program)).toEqual(COMMANDS);
});

describe('help', () => {
  test('the first page says where to begin, and what the exit codes mean', async () => {
    const { code, stdout } = await penstock(['--help']);
    expect(code).toBe(0);
    for (const text of ['penstock demo', 'penstock start --simulate', 'Exit codes:', 'NO_COLOR']) expect(stdout).toContain(text);
    for (const [name] of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  test.each(COMMANDS)('%s %s has a page', async (...command) => {
    const { code, stdout } = await penstock([...command.filter((word) => typeof word === 'string'), '--help']);
    expect([code, stdout.length > 200]).toEqual([0, true]);
  });

  test('a misspelt command is 1, and the right one is suggested', async () => {
    const { code, stderr } = await penstock(['strat']);
    expect(code).toBe(1);
    expect(stderr).toContain('Did you mean start?');
  });
});

test('the format of the log is no flag of start, and the error names the key of the configuration', async () => {
  const { code, stderr } = await penstock(['start', '--log-format', 'json']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('There is no such flag: set log.format in the configuration file.')]);
  for (const words of [['start', '--help'], ['completion', 'bash']]) expect((await penstock(words)).stdout).not.toContain('--log-format');
});

test('usage by a key that does not exist is 1, with the keys and the nearest one', async () => {
  const misspelt = await penstock(['usage', '--by', 'modl']);
  expect([misspelt.code, misspelt.stderr]).toEqual([1, expect.stringContaining('Allowed choices are client, person, group, model, day; did you mean model?')]);
  expect((await penstock(['usage', '--by', 'zzzzzz'])).stderr).toContain('Allowed choices are client, person, group, model, day.\n');
  expect((await penstock(['usage', '--help'])).stdout).toContain('(choices: "client", "person"');
});

describe('a Node that is too old', () => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { engines: { node: string } };
  const supported = Array.from(engines.node.matchAll(/\d+(?:\.\d+\.\d+)?/g), ([version]) => (version.includes('.') ? version : `${version}.0.0`));

  test.each(supported)('%s is supported, so it is not refused', (version) => {
    expect(whyNodeIsTooOld(version)).toBeUndefined();
  });

  test.each(['16.20.2', '18.20.8', '20.20.2', '22.22.1', '22.9.9'])('%s is refused with what to do (its own words would be a missing export)', (version) => {
    expect(whyNodeIsTooOld(version)).toContain(`needs Node ${supported[0]} or newer, this is ${version}`);
    expect(whyNodeIsTooOld(version)).toContain('npx -y pnpm@12 penstock');
  });

  test.each(['22.23.0', '23.0.1', '24.0.0', '25.1.0', '100.0.0'])('%s is let through', (version) => {
    expect(whyNodeIsTooOld(version)).toBeUndefined();
  });
});

describe('flags that name a server', () => {
  test.each([['status', '--url'], ['top', '--url'], ['usage', '--url'], ['compare', '--openai'], ['compare', '--native']])('%s %s with a value that is no URL names the flag and the value', async (command, flag) => {
    for (const value of ['localhost', 'file:///etc/passwd', '']) {
      const { code, stderr } = await penstock([command, flag, value]);
      expect(stderr).toContain(`'${flag} <url>' argument '${value}' is invalid. It must be an http:// or https:// URL.`);
      expect(code).toBe(1);
    }
  });
});

describe('completion', () => {
  const hasShell = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

  test('refuses a shell it does not know, and names those it does', async () => {
    const { code, stderr } = await penstock(['completion', 'tcsh']);
    expect(code).toBe(1);
    expect(stderr).toContain('bash, zsh, fish');
  });

  test.each(['bash', 'zsh', 'fish'])('the script for %s names every command', async (shell) => {
    const { code, stdout } = await penstock(['completion', shell]);
    expect(code).toBe(0);
    for (const name of COMMANDS.flat()) expect(stdout).toContain(name);
    if (hasShell(shell)) execFileSync(shell, ['-n', '-c', stdout]);
  });

  test.skipIf(!hasShell('bash'))(`bash completes commands, subcommands, flags and files${hasShell('bash') ? '' : ' (skipped: bash is not installed)'}`, async () => {
    const { stdout: script } = await penstock(['completion', 'bash']);
    const folder = mkdtempSync(join(tmpdir(), 'penstock-completion-'));
    writeFileSync(join(folder, 'gateway.json'), '{}');
    const complete = (...words: readonly string[]): string[] => {
      const quoted = ['penstock', ...words].map((word) => `'${word}'`).join(' ');
      const program = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _penstock; echo "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', program], { cwd: folder, encoding: 'utf8' }).trim().split(' ');
    };
    expect(complete('sta')).toEqual(['start', 'status']);
    expect(complete('keys', '')).toContain('create');
    expect(complete('start', '--config', 'gateway.json', '--simulate-w')).toEqual(['--simulate-without-key']);
    expect(complete('start', '--log-level', 'debug', '--simulate-w')).toEqual(['--simulate-without-key']);
    expect(complete('start', '--config', 'gat')).toEqual(['gateway.json']);
    expect(complete('completion', 'f')).toEqual(['fish']);
    rmSync(folder, { recursive: true });
  });
});

describe('compare', () => {
  test('the front door and the native side agree, and nothing is printed that steers a terminal', async () => {
    await using simulator = await startSimulator();
    await using gateway = await startTestGateway(simulator.origin);
    const { code, stdout } = await penstock(['compare', '--openai', `${gateway.origin}/v1/`, '--native', gateway.anthropic]);
    expect(stdout).toContain('The answers agree where they must');
    expect(stdout).toMatch(/^stop {12}stop {30}stop$/m);
    expect(code).toBe(0);
  });

  test('a difference in how the answers ended is found', async () => {
    await using simulator = await startSimulator();
    await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: '*' }] } });
    const { code, stdout } = await penstock(['compare', '--openai', `${gateway.origin}/v1`, '--native', gateway.anthropic, '--model', 'sim-text', '--openai-model', 'sim-max-tokens']);
    expect(stdout).toContain('They disagree: stop');
    expect(code).toBe(1);
  });

  test('an endpoint that is not there is 1, with a reason and what to look at', async () => {
    const { code, stderr } = await penstock(['compare', '--openai', 'http://127.0.0.1:9/v1', '--native', 'http://127.0.0.1:9/anthropic']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/could not be reached: .*Are both running/);
  });
});
