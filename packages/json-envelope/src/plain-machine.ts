import { Buffer } from 'node:buffer';
import type { Refusal, TextMachine, ValueSink } from './json-machine.ts';
import type { MemberRules } from './member-rules.ts';
import type { MemberNode } from './member-tree.ts';

/** What may come next. */
type Expected = 'value' | 'value_or_end' | 'name' | 'name_or_end' | 'colon' | 'comma_or_end' | 'nothing';

/** An open object or array. `names` are the chosen names of an object, `elements` what is read of the elements of an array. */
interface Container {
  readonly isObject: boolean;
  readonly names: readonly MemberNode[];
  readonly elements: MemberNode | undefined;
  readonly seen: Set<MemberNode>;
  pending: MemberNode | undefined;
}

const LITERALS: Readonly<Record<number, string>> = { 0x74: 'true', 0x66: 'false', 0x6e: 'null' };
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const MAX_BYTES_PER_NAME_BYTE = 6;
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, DOT, ZERO] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2e, 0x30];

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number): boolean => isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);

/** The states of a number after its first byte; those of `NUMBER_ENDS` may be the last. */
type NumberState = 'minus' | 'zero' | 'digits' | 'dot' | 'fraction' | 'exponent' | 'sign' | 'power';
const NUMBER_ENDS: ReadonlySet<NumberState> = new Set(['zero', 'digits', 'fraction', 'power']);

/** Checks a text byte by byte, without WebAssembly: about ten times slower than the module, with the same results. */
export class PlainMachine implements TextMachine {
  offset = 0;
  readonly #rules: MemberRules;
  readonly #sink: ValueSink;
  readonly #open: Container[] = [];
  #expected: Expected = 'value';
  /** The token being read; `string` and `name` differ in what follows. */
  #token: 'none' | 'string' | 'name' | 'number' | 'literal' = 'none';
  #number: NumberState = 'zero';
  #literal = '';
  #literalAt = 0;
  /** Hexadecimal digits that an escape still needs; -1 right behind a backslash. */
  #escape = 0;
  /** Continuation bytes that a character still needs, and the range of the next one. */
  #continuation = 0;
  #low = 0x80;
  #high = 0xbf;
  /** The bytes of the token where it is kept: a name, or a value at `#path`. */
  #kept: number[] | undefined;
  #isLost = false;
  #path = -1;
  #rootByte = 0;
  #duplicateBits = 0;
  #overflowBits = 0;
  #fullBits = 0;

  constructor(rules: MemberRules, sink: ValueSink) {
    this.#rules = rules;
    this.#sink = sink;
  }

  take(chunk: Uint8Array): Refusal | undefined {
    for (let index = 0; index < chunk.length; index += 1) {
      const refusal = this.#step(chunk[index] as number);
      if (refusal !== undefined) return refusal;
      this.offset += 1;
    }
    return undefined;
  }

  finish(): Refusal | undefined {
    if (this.#token === 'number') {
      if (!NUMBER_ENDS.has(this.#number)) return 'invalid_json';
      this.#endValue();
    }
    if (this.#continuation > 0) return 'invalid_utf8';
    return this.#token === 'none' && this.#expected === 'nothing' ? undefined : 'invalid_json';
  }

  summary(): { rootByte: number; duplicateBits: number; overflowBits: number } {
    return { rootByte: this.#rootByte, duplicateBits: this.#duplicateBits, overflowBits: this.#overflowBits };
  }

  release(): void {
    this.#open.length = 0;
    this.#kept = undefined;
  }

  #step(byte: number): Refusal | undefined {
    switch (this.#token) {
      case 'string':
      case 'name': return this.#stepString(byte);
      case 'literal': return this.#stepLiteral(byte);
      case 'number':
        if (this.#continueNumber(byte)) { this.#keep(byte); return undefined; }
        if (!NUMBER_ENDS.has(this.#number)) return 'invalid_json';
        this.#endValue();
        return this.#stepBetween(byte);
      default: return this.#stepBetween(byte);
    }
  }

  #stepBetween(byte: number): Refusal | undefined {
    if (isSpace(byte)) return undefined;
    const container = this.#open.at(-1);
    switch (this.#expected) {
      case 'name_or_end':
        if (byte === 0x7d) { this.#close(); return undefined; }
        return this.#beginName(byte);
      case 'name': return this.#beginName(byte);
      case 'colon':
        if (byte !== COLON) return 'invalid_json';
        this.#expected = 'value';
        return undefined;
      case 'comma_or_end':
        if (byte === COMMA) { this.#expected = container?.isObject === true ? 'name' : 'value'; return undefined; }
        if (byte !== (container?.isObject === true ? 0x7d : 0x5d)) return 'invalid_json';
        this.#close();
        return undefined;
      case 'value_or_end':
        if (byte === 0x5d) { this.#close(); return undefined; }
        return this.#beginValue(byte);
      case 'value': return this.#beginValue(byte);
      default: return 'invalid_json';
    }
  }

  #beginName(byte: number): Refusal | undefined {
    if (byte !== QUOTE) return 'invalid_json';
    this.#token = 'name';
    this.#kept = (this.#open.at(-1)?.names.length ?? 0) > 0 ? [byte] : undefined;
    this.#isLost = false;
    return undefined;
  }

  #beginValue(byte: number): Refusal | undefined {
    const isContainer = byte === 0x7b || byte === 0x5b;
    const literal = LITERALS[byte];
    if (!isContainer && byte !== QUOTE && literal === undefined && byte !== MINUS && !isDigit(byte)) return 'invalid_json';
    if (isContainer && this.#open.length >= this.#rules.maxDepth) return 'too_deep';
    if (this.#rootByte === 0) this.#rootByte = byte;
    const container = this.#open.at(-1);
    const node = container === undefined ? undefined : container.isObject ? container.pending : container.elements;
    const path = container === undefined || node === undefined ? undefined : container.isObject ? node.valuePath : node.elementPath;
    this.#begin(path, byte);
    if (isContainer) { this.#openContainer(byte === 0x7b, container, node); return undefined; }
    if (byte === QUOTE) this.#token = 'string';
    else if (literal === undefined) { this.#token = 'number'; this.#number = byte === MINUS ? 'minus' : byte === ZERO ? 'zero' : 'digits'; }
    else { this.#token = 'literal'; this.#literal = literal; this.#literalAt = 1; }
    return undefined;
  }

  /** Begins to keep a value, if its path is chosen and not full. */
  #begin(path: string | undefined, byte: number): void {
    this.#path = path === undefined ? -1 : this.#rules.paths.indexOf(path);
    this.#isLost = false;
    this.#kept = undefined;
    if (this.#path === -1) return;
    const bit = 1 << this.#path;
    if ((this.#fullBits & bit) === 0) this.#kept = [byte];
    else { this.#overflowBits |= bit; this.#path = -1; }
  }

  #openContainer(isObject: boolean, parent: Container | undefined, node: MemberNode | undefined): void {
    this.#report();
    const names = !isObject ? [] : parent === undefined ? this.#rules.tree : node === undefined ? [] : parent.isObject ? node.objectMembers : node.elementMembers;
    const elements = !isObject && parent?.isObject === true ? node : undefined;
    this.#open.push({ isObject, names, elements, seen: new Set(), pending: undefined });
    this.#expected = isObject ? 'name_or_end' : 'value_or_end';
  }

  #close(): void {
    this.#open.pop();
    this.#afterValue();
  }

  #endValue(): void {
    this.#token = 'none';
    this.#report();
    this.#afterValue();
  }

  #afterValue(): void {
    this.#expected = this.#open.length === 0 ? 'nothing' : 'comma_or_end';
  }

  #report(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    if (this.#path === -1 || kept === undefined) return;
    const bytes = Buffer.from(kept);
    // A string is reported with its last byte, before that is counted; of other values no place is read.
    const base = this.offset + 1 - bytes.length;
    if (this.#sink.take(this.#path, bytes, this.#isLost ? undefined : 0, bytes.length, base)) this.#fullBits |= 1 << this.#path;
  }

  #keep(byte: number): void {
    if (this.#kept === undefined || this.#isLost) return;
    if (this.#kept.length > this.#rules.maxKeptBytes) this.#isLost = true;
    else this.#kept.push(byte);
  }

  #stepString(byte: number): Refusal | undefined {
    if (this.#continuation > 0) {
      if (byte < this.#low || byte > this.#high) return 'invalid_utf8';
      this.#continuation -= 1;
      [this.#low, this.#high] = [0x80, 0xbf];
    } else if (this.#escape === -1) {
      if (byte !== 0x75 && !ESCAPES.has(byte)) return 'invalid_json';
      this.#escape = byte === 0x75 ? 4 : 0;
    } else if (this.#escape > 0) {
      if (!isHex(byte)) return 'invalid_json';
      this.#escape -= 1;
    } else if (byte === QUOTE) {
      this.#keep(byte);
      if (this.#token === 'name') this.#endName();
      else this.#endValue();
      return undefined;
    } else if (byte === BACKSLASH) this.#escape = -1;
    else if (byte < 0x20) return 'invalid_json';
    else if (byte >= 0x80 && !this.#beginCharacter(byte)) return 'invalid_utf8';
    this.#keep(byte);
    return undefined;
  }

  /** RFC 3629 section 4. */
  #beginCharacter(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#continuation = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    return true;
  }

  #endName(): void {
    this.#token = 'none';
    this.#expected = 'colon';
    const container = this.#open.at(-1);
    if (container === undefined) return;
    container.pending = this.#kept === undefined || this.#isLost ? undefined : this.#find(container, Buffer.from(this.#kept).toString());
    this.#kept = undefined;
    if (container.pending === undefined) return;
    if (container.seen.has(container.pending)) this.#duplicateBits |= 1 << this.#rules.labels.indexOf(container.pending.label);
    container.seen.add(container.pending);
  }

  #find(container: Container, text: string): MemberNode | undefined {
    const longest = 2 + MAX_BYTES_PER_NAME_BYTE * Math.max(...container.names.map(({ name }) => Buffer.byteLength(name)));
    if (text.length > longest) return undefined;
    const name: unknown = text.includes('\\') ? JSON.parse(text) : text.slice(1, -1);
    return container.names.find((node) => node.name === name);
  }

  #stepLiteral(byte: number): Refusal | undefined {
    if (byte !== this.#literal.charCodeAt(this.#literalAt)) return 'invalid_json';
    this.#keep(byte);
    this.#literalAt += 1;
    if (this.#literalAt === this.#literal.length) this.#endValue();
    return undefined;
  }

  /** Whether the byte belongs to the number. */
  #continueNumber(byte: number): boolean {
    const next = nextNumberState(this.#number, byte);
    if (next !== undefined) this.#number = next;
    return next !== undefined;
  }
}

function nextNumberState(state: NumberState, byte: number): NumberState | undefined {
  const isExponent = byte === 0x65 || byte === 0x45;
  switch (state) {
    case 'minus': return byte === ZERO ? 'zero' : isDigit(byte) ? 'digits' : undefined;
    case 'zero': return byte === DOT ? 'dot' : isExponent ? 'exponent' : undefined;
    case 'digits': return isDigit(byte) ? 'digits' : byte === DOT ? 'dot' : isExponent ? 'exponent' : undefined;
    case 'dot': return isDigit(byte) ? 'fraction' : undefined;
    case 'fraction': return isDigit(byte) ? 'fraction' : isExponent ? 'exponent' : undefined;
    case 'exponent': return byte === 0x2b || byte === MINUS ? 'sign' : isDigit(byte) ? 'power' : undefined;
    default: return isDigit(byte) ? 'power' : undefined;
  }
}
