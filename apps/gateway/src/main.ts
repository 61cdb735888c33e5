#!/usr/bin/env node
import { whyNodeIsTooOld } from './commands/why-node-is-too-old.ts';
import { skipUnusedExports } from './process/skip-unused-exports.ts';

// Ignore EPIPE on stdout and stderr: the gateway serves without a reader of its output.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const problem = whyNodeIsTooOld(process.versions.node);
if (problem === undefined) {
  skipUnusedExports();
  // Only now: on an old Node the import itself would fail, with an unhelpful message.
  const { createProgram } = await import('./commands/create-program.ts');
  const { invocationFolder } = await import('./commands/invocation-folder.ts');
  await createProgram({
    environment: process.env, workingDirectory: invocationFolder(process.env, process.cwd()), stdout: process.stdout, stderr: process.stderr,
    setExitCode: (code) => { process.exitCode = code; },
  }).parseAsync();
} else {
  console.error(problem);
  process.exitCode = 1;
}
