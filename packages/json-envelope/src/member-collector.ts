import type { MemberValue } from './envelope.ts';
import type { ResolvedOptions } from './envelope-options.ts';
import { buildMemberTree, type MemberNode } from './member-tree.ts';

/** Follows the chosen paths through a text and keeps their values. */
export class MemberCollector {
  readonly members: Map<string, MemberValue[]> = new Map();
  readonly duplicates: Set<string> = new Set();
  readonly overflowed: Set<string> = new Set();
  rootByte = 0;
  readonly #tree: readonly MemberNode[];
  readonly #options: ResolvedOptions;
  readonly #seen: Set<string>[] = [new Set(), new Set()];
  #bytes: number[] = [];
  #limit = 0;
  #names: readonly MemberNode[] = [];
  #node: MemberNode | undefined;
  #arrayNode: MemberNode | undefined;
  #reading: 'nothing' | 'name' | 'value' = 'nothing';
  #path: string | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#tree = buildMemberTree(options.paths);
  }

  byte(byte: number): void {
    if (this.#reading !== 'nothing' && this.#bytes.length <= this.#limit) this.#bytes.push(byte);
  }

  keyStart(): void {
    if (this.#names.length === 0) return;
    this.#bytes = [];
    this.#limit = 6 * 256 + 2;
    this.#reading = 'name';
  }

  keyEnd(): void {
    if (this.#reading !== 'name') return;
    this.#reading = 'nothing';
    if (this.#bytes.length > this.#limit) return;
    const name: unknown = JSON.parse(`${Buffer.from(this.#bytes).toString()}"`) ;
    this.#node = this.#names.find((node) => node.name === name);
    if (this.#node === undefined) return;
    const seen = this.#seen[this.#arrayNode === undefined ? 0 : 1];
    if (seen?.has(this.#node.label)) this.duplicates.add(this.#node.label);
    seen?.add(this.#node.label);
  }

  valueStart(byte: number, depth: number): void {
    if (depth === 0) this.rootByte = byte;
    const path = depth === 2 && this.#arrayNode !== undefined ? this.#arrayNode.elementPath : this.#node?.valuePath;
    if (byte !== 0x5b && byte !== 0x7b) this.#node = undefined;
    if (path === undefined) return;
    if (byte === 0x5b || byte === 0x7b) {
      this.#keep(path, { kind: byte === 0x5b ? 'array' : 'object' });
      return;
    }
    this.#path = path;
    this.#reading = 'value';
    this.#bytes = [];
    this.#limit = byte === 0x22 ? this.#options.maxValueBytes + 2 : this.#options.maxValueBytes;
  }

  valueEnd(): void {
    if (this.#path === undefined) return;
    const path = this.#path;
    this.#path = undefined;
    this.#reading = 'nothing';
    this.#keep(path, this.#bytes.length > this.#limit ? { kind: 'too_long' } : readValue(Buffer.from(this.#bytes).toString()));
  }

  open(isObject: boolean, depth: number): void {
    if (!isObject && depth === 2) this.#arrayNode = this.#node;
    this.#node = undefined;
    this.#names = [];
    if (isObject && depth === 1) this.#names = this.#tree;
    if (isObject && depth === 3 && this.#arrayNode !== undefined) {
      this.#names = this.#arrayNode.elementMembers;
      this.#seen[1] = new Set();
    }
  }

  close(depth: number): void {
    this.#names = [];
    if (depth === 1) {
      this.#arrayNode = undefined;
      if (this.rootByte === 0x7b) this.#names = this.#tree;
    }
    if (depth === 3 && this.#arrayNode !== undefined) this.#names = this.#arrayNode.elementMembers;
  }

  #keep(path: string, value: MemberValue): void {
    const values = this.members.get(path) ?? [];
    if (values.length === this.#options.maxValues) this.overflowed.add(path);
    else values.push(value);
    this.members.set(path, values);
  }
}

function readValue(text: string): MemberValue {
  const value = JSON.parse(text) as unknown;
  if (typeof value === 'string') return { kind: 'string', value };
  if (typeof value === 'number') return { kind: 'number', value, text };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  return { kind: 'null' };
}
