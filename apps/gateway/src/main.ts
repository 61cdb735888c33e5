#!/usr/bin/env node
import { createProgram } from './commands/create-program.ts';

await createProgram({ environment: process.env, workingDirectory: process.cwd(), stdout: process.stdout, stderr: process.stderr, setExitCode: (code) => { process.exitCode = code; } }).parseAsync();
