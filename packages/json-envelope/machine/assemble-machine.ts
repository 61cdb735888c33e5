import loadAssembler from 'wabt';
import { ADDRESS, ENTRY, EVENT, RULES } from '../src/machine-layout.ts';
import { FIRST_ACTION, NUMBERS, transitionTable } from './grammar.ts';
import { MEMBER_FUNCTIONS } from './members.wat.ts';
import { SCAN_FUNCTION } from './scan.wat.ts';
import { STRING_FUNCTIONS } from './strings.wat.ts';
import { UNESCAPE_FUNCTIONS } from './unescape.wat.ts';
import { UTF8_FUNCTION } from './utf8.wat.ts';

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(ADDRESS),
  ...[...NUMBERS].map(([name, number]): [string, number] => [`GRAMMAR.${name}`, number]),
  ...named('EVENT', EVENT),
  ...named('RULES', RULES),
  ...named('ENTRY', ENTRY),
  ['FIRST_ACTION', FIRST_ACTION],
  ['hexTransitions', ADDRESS.transitions + (NUMBERS.get('hex1') ?? 0) * 256],
  ['scalarTransitions', ADDRESS.transitions + (NUMBERS.get('scalar') ?? 0) * 256],
  // The two stand side by side, to be asked for at once.
  ['pendingAndArrayEntry', ADDRESS.pendingEntry],
]);

/** Assembles the machine; the same sources always give the same bytes. */
export async function assembleMachine(): Promise<Uint8Array> {
  const assembler = await loadAssembler();
  const module = assembler.parseWat('machine.wat', machineText(), { simd: true, relaxed_simd: true });
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** The module that carries the bytes, as it stands in `src`. */
export function machineSource(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString('base64').match(/.{1,116}/gu) ?? [];
  return `// Made by \`npm run assemble\` from ../machine; do not edit.

/** The machine as a WebAssembly module, in base64. */
export const MACHINE_BASE64: string = \`
${lines.join('\n')}
\`;
`;
}

/**
 * Puts the functions together and their constants in: `(@name)` and `offset=@name` are numbers, `(@bytes:2f)` loads a
 * vector of 16 times that byte, `(@vector:00,…)` one of 16 bytes.
 */
function machineText(): string {
  const vectors: string[] = [];
  const load = (bytes: string): string => {
    if (!vectors.includes(bytes)) vectors.push(bytes);
    return `(v128.load (i32.const ${ADDRESS.vectors + vectors.indexOf(bytes) * 16}))`;
  };
  const functions = [SCAN_FUNCTION, MEMBER_FUNCTIONS, UNESCAPE_FUNCTIONS, STRING_FUNCTIONS, UTF8_FUNCTION]
    .join('')
    .replace(/\(@bytes:([0-9a-f]{2})\)/gu, (_, byte: string) => load(`\\${byte}`.repeat(16)))
    .replace(/\(@vector:([0-9a-f,]+)\)/gu, (_, bytes: string) => load(`\\${bytes.replaceAll(',', '\\')}`))
    .replace(/\(@([\w.]+)\)/gu, (_, name: string) => `(i32.const ${constant(name)})`)
    .replace(/offset=@([\w.]+)/gu, (_, name: string) => `offset=${constant(name)}`);
  return `(module
  (memory (export "memory") 2 2)
  (data (i32.const ${ADDRESS.vectors}) "${vectors.join('')}")
  (data (i32.const ${ADDRESS.transitions}) "${escapedBytes(transitionTable())}")
  ${functions})`;
}

function constant(name: string): number {
  const value = CONSTANTS.get(name);
  if (value === undefined) throw new Error(`no constant is named ${name}`);
  return value;
}

function escapedBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}

function named(group: string, constants: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(constants).map(([name, value]) => [`${group}.${name}`, value]);
}
