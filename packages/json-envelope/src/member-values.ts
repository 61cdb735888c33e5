import type { MemberValue } from './envelope.ts';
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

  constructor(paths: readonly string[], maxValueBytes: number, maxValues: number) {
    this.#paths = paths;
    this.#maxValueBytes = maxValueBytes;
    this.#maxValues = maxValues;
  }

  take(path: number, memory: Buffer, start: number | undefined, stop: number): boolean {
    const value = start === undefined ? TOO_LONG : this.#read(memory, start, stop);
    const name = this.#paths[path] ?? '';
    const values = this.byPath.get(name);
    if (values === undefined) this.byPath.set(name, [value]);
    else values.push(value);
    return (values?.length ?? 1) >= this.#maxValues;
  }

  #read(memory: Buffer, start: number, stop: number): MemberValue {
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
        return stop - start - 2 > this.#maxValueBytes ? TOO_LONG : readString(memory, start, stop);
      default:
        return stop - start > this.#maxValueBytes ? TOO_LONG : readNumber(memory, start, stop);
    }
  }
}

function readString(memory: Buffer, start: number, stop: number): MemberValue {
  const text = memory.toString('utf8', start + 1, stop - 1);
  return { kind: 'string', value: text.includes('\\') ? unescaped(text) : text };
}

function unescaped(text: string): string {
  const value: unknown = JSON.parse(`"${text}"`);
  return String(value);
}

function readNumber(memory: Buffer, start: number, stop: number): MemberValue {
  const text = memory.toString('latin1', start, stop);
  return { kind: 'number', value: Number(text), text };
}
