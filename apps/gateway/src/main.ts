#!/usr/bin/env node
import { createProgram } from './commands/create-program.ts';

// Whoever reads our output may go away; that is no reason to stop serving.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

await createProgram({
  environment: process.env, workingDirectory: process.cwd(), stdout: process.stdout, stderr: process.stderr,
  setExitCode: (code) => { process.exitCode = code; },
}).parseAsync();
