/** The kind of value a JSON text is. */
export type RootKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** Where a value stands in the text: the offsets of its first byte and of the one after its last. */
export interface ValueSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * One value found at a chosen path. Objects and arrays are named, not read; `too_long` stands for a string or number
 * of more than `maxValueBytes` bytes.
 */
export type MemberValue =
  | {
    readonly kind: 'string';
    readonly value: string;
    /** The place of the whole JSON string, its quotation marks included; only with the option `spans`. */
    readonly span?: ValueSpan;
  }
  | { readonly kind: 'number'; readonly value: number; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'object' }
  | { readonly kind: 'array' }
  | { readonly kind: 'too_long' };

/** What a complete and valid JSON text said at the chosen paths. */
export interface Envelope {
  /** The kind of the text's one value; members are read only of an object. */
  readonly root: RootKind;
  /** The values found, in the order of the text, by path; a path that did not occur has no entry. */
  readonly members: ReadonlyMap<string, readonly MemberValue[]>;
  /**
   * Chosen names that one object held more than once (readers disagree on which one counts, RFC 8259 section 4):
   * `model` or `tools` for the text's own members, `tools[].model` for an element's.
   */
  readonly duplicates: readonly string[];
  /** Paths with more values than `maxValues`; `members` has the first ones. */
  readonly overflowed: readonly string[];
  /** The length of the text in bytes. */
  readonly byteLength: number;
}
