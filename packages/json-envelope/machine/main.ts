// Writes src/machine-bytes.ts anew; a test tells when that is due.
import { writeFileSync } from 'node:fs';
import { assembleMachine, machineSource } from './assemble-machine.ts';

writeFileSync(new URL('../src/machine-bytes.ts', import.meta.url), machineSource(await assembleMachine()));
