import { Buffer } from 'node:buffer';
import type { ResolvedOptions } from './envelope-options.ts';
import { ADDRESS, ENTRY, MAX_CARRIED_BYTES, RULES } from './machine-layout.ts';
import { buildMemberTree, type MemberNode } from './member-tree.ts';

/** One set of options in the form the machine reads. */
export interface MemberRules {
  /** What stands at the address of the rules while a text with these options is scanned. */
  readonly image: Uint8Array;
  /** How the entry of each bit is reported when its name occurs twice. */
  readonly labels: readonly string[];
  /** The paths by index. */
  readonly paths: readonly string[];
  /** The longest beginning of a name or value that is carried from one chunk to the next. */
  readonly maxCarriedBytes: number;
  /** The same rules as the scanner without WebAssembly reads them; `maxKeptBytes` of a name or value. */
  readonly tree: readonly MemberNode[];
  readonly maxDepth: number;
  readonly maxKeptBytes: number;
}

/** An escape spells one byte of a name with at most six: `\u006d`. */
const MAX_BYTES_PER_NAME_BYTE = 6;

/** Lays out the options as the machine reads them. */
export function layOutRules({ paths, maxDepth, maxValueBytes }: ResolvedOptions): MemberRules {
  const tree = buildMemberTree(paths);
  const layout = new RulesLayout(paths.map(({ path }) => path));
  const topEntries = layout.entries(tree);
  const topBits = (1 << tree.length) - 1;
  const nodes = [...tree, ...tree.flatMap(({ elementMembers, objectMembers }) => [...elementMembers, ...objectMembers])];
  const lengths = nodes.map(({ name }) => Buffer.byteLength(name));
  const maxNameBytes = MAX_BYTES_PER_NAME_BYTE * Math.max(0, ...lengths);
  const lengthBits = lengths.reduce((bits, length) => bits | (1 << length), 0);
  return {
    image: layout.finish({ maxDepth, maxNameBytes, topBits, topEntries, lengthBits }),
    labels: layout.labels,
    paths: layout.paths,
    tree,
    maxDepth,
    maxKeptBytes: Math.max(maxNameBytes, maxValueBytes) + 2,
    maxCarriedBytes: Math.min(MAX_CARRIED_BYTES, Math.max(maxNameBytes, maxValueBytes + 1)),
  };
}

class RulesLayout {
  readonly labels: string[] = [];
  readonly paths: readonly string[];
  readonly #image: DataView = new DataView(new ArrayBuffer(ADDRESS.scratch - ADDRESS.rules));
  #used: number = RULES.entries;

  constructor(paths: readonly string[]) {
    this.paths = paths;
  }

  /** Writes the entries of one object, then those of their arrays' elements and of their own objects; tells the address of the first. */
  entries(nodes: readonly MemberNode[]): number {
    if (nodes.length === 0) return 0;
    const addresses = nodes.map((node) => this.#entry(node));
    const end = this.#take(ENTRY.name);
    for (const [index, node] of nodes.entries()) {
      const at = addresses[index] ?? 0;
      this.#set(at + ENTRY.next, ADDRESS.rules + (addresses[index + 1] ?? end));
      this.#set(at + ENTRY.elementEntries, this.entries(node.elementMembers));
      this.#set(at + ENTRY.memberEntries, this.entries(node.objectMembers));
    }
    return ADDRESS.rules + (addresses[0] ?? 0);
  }

  finish(header: Readonly<Record<Exclude<keyof typeof RULES, 'entries'>, number>>): Uint8Array {
    this.#set(RULES.maxDepth, header.maxDepth);
    this.#set(RULES.maxNameBytes, header.maxNameBytes);
    this.#set(RULES.topBits, header.topBits);
    this.#set(RULES.topEntries, header.topEntries);
    this.#set(RULES.lengthBits, header.lengthBits);
    return new Uint8Array(this.#image.buffer, 0, this.#used);
  }

  #entry({ name, label, valuePath, elementPath }: MemberNode): number {
    const bytes = Buffer.from(name);
    const at = this.#take(ENTRY.name + bytes.length);
    this.#set(at + ENTRY.nameBytes, bytes.length);
    this.#set(at + ENTRY.bit, 1 << this.labels.length);
    this.#set(at + ENTRY.valuePath, valuePath === undefined ? -1 : this.paths.indexOf(valuePath));
    this.#set(at + ENTRY.elementPath, elementPath === undefined ? -1 : this.paths.indexOf(elementPath));
    new Uint8Array(this.#image.buffer).set(bytes, at + ENTRY.name);
    this.labels.push(label);
    return at;
  }

  #take(length: number): number {
    const at = this.#used;
    this.#used += (length + 3) & ~3;
    return at;
  }

  #set(at: number, value: number): void {
    this.#image.setInt32(at, value, true);
  }
}
