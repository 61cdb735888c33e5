#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { runCheck } from './commands/check.ts';
import { runKeysCreate } from './commands/keys.ts';
import { runStart } from './commands/start.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
const output = { stdout: process.stdout, stderr: process.stderr };
const surroundings = { environment: process.env, workingDirectory: process.cwd() };

const program = new Command('penstock')
  .description('A gateway for the Anthropic API: /anthropic is a native pass-through, /v1 an OpenAI front door.')
  .version(version)
  .showHelpAfterError('(penstock --help lists the commands)')
  .addHelpText('after', `
Examples:
  ANTHROPIC_API_KEY=... penstock start        serve the Anthropic API on 127.0.0.1:8000
  penstock start --simulate                   try it without a key, against the built-in simulator
  penstock check --config gateway.json        see the effective configuration, or everything wrong with it
  penstock keys create alice                  make a key for a client

Exit codes: 0 ended as asked · 1 refused to start, or failed`);

program.command('start')
  .description('run the gateway until SIGTERM or SIGINT')
  .option('-c, --config <file>', 'configuration file (default: PENSTOCK_CONFIG, else config.json if there is one)')
  .option('--host <host>', 'address to listen on')
  .option('--port <port>', 'port to listen on')
  .option('--simulate', 'use the built-in simulator as upstream: no key, no cost', false)
  .option('--simulate-without-key', 'the same, but only when no key is configured', false)
  .action(async (flags: { config?: string; host?: string; port?: string; simulate: boolean; simulateWithoutKey: boolean }) => {
    const { simulate, simulateWithoutKey, ...argv } = flags;
    const isPretty = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    process.exitCode = await runStart({ ...surroundings, argv, simulate, simulateWithoutKey, version, isPretty }, output);
  });

program.command('check')
  .description('validate the configuration and print it as it would be used, secrets masked')
  .option('-c, --config <file>', 'configuration file')
  .option('--simulate', 'check for a run with the simulator', false)
  .action(({ simulate, ...argv }: { config?: string; simulate: boolean }) => {
    process.exitCode = runCheck({ ...surroundings, argv, simulate }, output);
  });

program.command('keys')
  .description('client keys')
  .command('create')
  .argument('<name>', 'the name of the client in logs and metrics')
  .description('make a client key, print it once, and the configuration entry with its hash')
  .action((name: string) => {
    process.exitCode = runKeysCreate(name, output);
  });

await program.parseAsync();
