// Where things are in the machine's memory, and the numbers it speaks in. The assembler and the scanner both read this.

/** Addresses in the machine's memory. Up to `stack` and beyond it by the depth is one text's state; the rest is shared. */
export const ADDRESS = {
  /** The state of the grammar. */
  state: 0,
  /** How many containers are open. */
  depth: 4,
  /** The state after the string that is being read: a colon for a name, else as after any value. */
  afterString: 8,
  /** Where the name or value being read began, 0 for none. */
  mark: 12,
  /** The path of the value being read. */
  markPath: 16,
  /** The entry of the chosen name whose value comes next, else 0. */
  pendingEntry: 20,
  /** The entry of the chosen name whose array is open, else 0. */
  arrayEntry: 24,
  /** Bits of the entries whose names occurred in the open object. */
  seenBits: 28,
  /** Bits of the entries whose names occurred twice in one object. */
  duplicateBits: 32,
  /** Bits of the paths with more values than are kept. */
  overflowBits: 36,
  /** Bits of the paths with as many values as are kept. */
  fullBits: 40,
  /** The first byte of the text's value. */
  rootByte: 44,
  /** The entry of the chosen name whose object is open, else 0. */
  objectEntry: 48,
  /** The state to return to after a value, for each open container; the first entry is for the text itself. */
  stack: 52,
  /** Set by a scan: where it stopped. */
  position: 8176,
  /** Set by a scan that found a chosen value: where the value began; it ends at the position. */
  valueStart: 8180,
  /** The limits and entries of one set of options. */
  rules: 8192,
  /** A name without its escapes. */
  scratch: 18_432,
  /** Constants of 16 bytes; loaded once a call, they stay in registers, where literals are built anew at each use. */
  vectors: 19_968,
  /** The grammar: the next state or the action for each state and byte. */
  transitions: 20_480,
  /** The chunk; what came before it of a name or value stands right in front of it. */
  input: 49_152,
} as const;

/** How many bytes of a text the machine takes at once. */
export const INPUT_BYTES = 65_536;

/** How many bytes of a name or value can stand in front of the chunk. */
export const MAX_CARRIED_BYTES = 16_384;

/** The mark of a name or value that is too long to carry from one chunk to the next; no real mark is so low. */
export const LOST_MARK = 1;

/** The first states of the grammar: where a text ends and where it begins. */
export const STATE_DONE = 0;
export const STATE_VALUE = 1;

/** What a scan reports. */
export const EVENT = { consumed: 0, value: 1, invalidJson: 2, invalidUtf8: 3, tooDeep: 4 } as const;

/** Offsets in the rules. `lengthBits` has a bit for the length modulo 32 of each chosen name: most names differ there. */
export const RULES = { maxDepth: 0, maxNameBytes: 4, topBits: 8, topEntries: 12, lengthBits: 16, entries: 20 } as const;

/**
 * Offsets in the entry of a chosen name. Entries of one object follow each other; `nameBytes` 0 ends them. Paths are
 * indexes, -1 for none.
 */
export const ENTRY = { nameBytes: 0, next: 4, bit: 8, valuePath: 12, elementPath: 16, elementEntries: 20, memberEntries: 24, name: 28 } as const;
