import { freePort } from '../src/free-port.ts';

// A process that draws ports and prints them: `node draw-ports.ts COUNT`. It runs on until its standard input ends, as a test does that has started something.
const ports: number[] = [];
while (ports.length < Number(process.argv[2])) ports.push(await freePort());
process.stdout.write(`${ports.join(' ')}\n`);
process.stdin.resume();
