const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Finds where the strings of one JSON text end. Asked from left to right, it reads each character once. */
export type StringEnds = (start: number) => number;

/** Begins to walk a text. The walk gives the index after the string that starts at an index: the end of the text where no quote closes it. */
export function createStringEnds(text: string): StringEnds {
  /** The first backslash at or after the last string asked for. */
  let backslash = -1;
  return (start) => {
    const quote = text.indexOf('"', start + 1);
    if (quote === -1) return text.length;
    if (backslash < start) {
      backslash = text.indexOf('\\', start + 1);
      if (backslash === -1) backslash = text.length;
    }
    // Most strings have no escape, and are found as fast as memory is read; one that has is read character by character from there.
    if (quote < backslash) return quote + 1;
    for (let index = backslash; index < text.length;) {
      const code = text.charCodeAt(index);
      if (code === QUOTE) return index + 1;
      index += code === BACKSLASH ? 2 : 1;
    }
    return text.length;
  };
}
