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
]);

/** Assembles the machine; the same sources always give the same bytes. */
export async function assembleMachine(): Promise<Uint8Array> {
  const assembler = await loadAssembler();
  const module = assembler.parseWat('machine.wat', machineText(), { simd: true });
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

function machineText(): string {
  const text = `(module
  (memory (export "memory") 2 2)
  (data (@transitions) "${escapedBytes(transitionTable())}")
  ${SCAN_FUNCTION}${MEMBER_FUNCTIONS}${UNESCAPE_FUNCTIONS}${STRING_FUNCTIONS}${UTF8_FUNCTION})`;
  return text
    .replace(/\(@bytes:([0-9a-f]{2})\)/gu, (_, byte: string) => vectorOf(Array.from({ length: 16 }, () => byte)))
    .replace(/\(@vector:([0-9a-f,]+)\)/gu, (_, bytes: string) => vectorOf(bytes.split(',')))
    .replace(/\(@([\w.]+)\)/gu, (_, name: string) => `(i32.const ${constant(name)})`)
    .replace(/offset=@([\w.]+)/gu, (_, name: string) => `offset=${constant(name)}`);
}

function vectorOf(bytes: readonly string[]): string {
  return `(v128.const i8x16 ${bytes.map((byte) => `0x${byte}`).join(' ')})`;
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
