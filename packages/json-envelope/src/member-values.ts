import type { MemberValue } from './envelope.ts';
import type { ResolvedOptions } from './envelope-options.ts';
import type { ValueSink } from './json-machine.ts';

const TOO_LONG: MemberValue = Object.freeze({ kind: 'too_long' });
const OBJECT: MemberValue = Object.freeze({ kind: 'object' });
const ARRAY: MemberValue = Object.freeze({ kind: 'array' });
const TRUE: MemberValue = Object.freeze({ kind: 'boolean', value: true });
const FALSE: MemberValue = Object.freeze({ kind: 'boolean', value: false });
const NULL: MemberValue = Object.freeze({ kind: 'null' });

const QUOTE = 0x22;

/** Keeps the values of the chosen paths. */
export class MemberValues implements ValueSink {
  readonly byPath: Map<string, MemberValue[]> = new Map();
  readonly #paths: readonly string[];
  readonly #maxValueBytes: number;
  readonly #maxValues: number;
  readonly #spans: boolean;

  constructor(paths: readonly string[], { maxValueBytes, maxValues, spans }: Pick<ResolvedOptions, 'maxValueBytes' | 'maxValues' | 'spans'>) {
    this.#paths = paths;
    this.#maxValueBytes = maxValueBytes;
    this.#maxValues = maxValues;
    this.#spans = spans;
  }

  take(path: number, memory: Buffer, start: number | undefined, stop: number, base: number): boolean {
    const value = start === undefined ? TOO_LONG : this.#read(memory, start, stop, base);
    const name = this.#paths[path] ?? '';
    const values = this.byPath.get(name);
    if (values === undefined) this.byPath.set(name, [value]);
    else values.push(value);
    return (values?.length ?? 1) >= this.#maxValues;
  }

  #read(memory: Buffer, start: number, stop: number, base: number): MemberValue {
    switch (memory[start]) {
      case 0x7b:
        return OBJECT;
      case 0x5b:
        return ARRAY;
      case 0x74:
        return TRUE;
      case 0x66:
        return FALSE;
      case 0x6e:
        return NULL;
      case QUOTE:
        if (stop - start - 2 > this.#maxValueBytes) return TOO_LONG;
        return this.#spans ? { kind: 'string', value: readText(memory, start, stop), span: { start: base + start, end: base + stop } } : { kind: 'string', value: readText(memory, start, stop) };
      default:
        return stop - start > this.#maxValueBytes ? TOO_LONG : readNumber(memory, start, stop);
    }
  }
}

function readText(memory: Buffer, start: number, stop: number): string {
  const text = memory.toString('utf8', start + 1, stop - 1);
  return text.includes('\\') ? unescaped(text) : text;
}

function unescaped(text: string): string {
  const value: unknown = JSON.parse(`"${text}"`);
  return String(value);
}

function readNumber(memory: Buffer, start: number, stop: number): MemberValue {
  const text = memory.toString('latin1', start, stop);
  return { kind: 'number', value: Number(text), text };
}
