// Scans bodies as they come from a socket, in chunks of 64 KiB, side by side with JSON.parse of the same bytes.
// `node bench/main.ts [--quick]`; the second form fails when a target is missed.
import { createEnvelopeScanner, type EnvelopeScannerOptions } from '../src/index.ts';
import { benchBodies, type BenchBody } from './bodies.ts';
import { measureInTurns } from './measure.ts';

const OPTIONS: EnvelopeScannerOptions = { members: ['model', 'stream', 'max_tokens', 'fallbacks[].model', 'tools[].model'] };
const CHUNK_BYTES = 65_536;
const isQuick = process.argv.includes('--quick');

/** The least ratio to the rate of JSON.parse, and the most CPU time, that each body may have. */
const TARGETS: ReadonlyMap<string, { readonly ratio?: number; readonly microseconds?: number }> = new Map([
  ['plain strings', { ratio: 0.6 }],
  ['coding agent', { ratio: 1 }],
  ['1 KB', { microseconds: 3 }],
]);

function chunksOf(bytes: Buffer): readonly Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
}

function compare({ name, bytes }: BenchBody): boolean {
  const chunks = chunksOf(bytes);
  const scanBody = (): void => {
    const scanner = createEnvelopeScanner(OPTIONS);
    for (const chunk of chunks) scanner.write(chunk);
    scanner.end();
  };
  const parseBody = (): void => {
    JSON.parse(bytes.toString());
  };
  const [scanned = 0, parsed = 0] = measureInTurns([scanBody, parseBody], isQuick ? 7 : 25);
  const rate = (time: number): string => (bytes.length / time / 1000).toFixed(2).padStart(6);
  const ratio = parsed / scanned;
  console.log(
    `${name.padEnd(24)}${String(bytes.length).padStart(9)} ${scanned.toFixed(1).padStart(9)} µs ${rate(scanned)} GB/s` +
      ` ${rate(parsed)} GB/s ${ratio.toFixed(2).padStart(7)} ×`,
  );
  const target = TARGETS.get(name);
  return ratio >= (target?.ratio ?? 0) && scanned <= (target?.microseconds ?? Number.POSITIVE_INFINITY);
}

console.log(`${'body'.padEnd(24)}${'bytes'.padStart(9)} ${'scanner'.padStart(24)} ${'JSON.parse'.padStart(11)} ${'ratio'.padStart(9)}`);
const missed = benchBodies().filter((body) => !compare(body));
if (missed.length > 0) console.log(`missed: ${missed.map(({ name }) => name).join(', ')}`);
if (isQuick && missed.length > 0) process.exitCode = 1;
