/**
 * Whether a pattern, in which `*` stands for any characters, covers a whole text. Case counts.
 * Two fingers and one way back instead of a regular expression: no pattern takes more than pattern × text steps.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let patternAt = 0;
  let textAt = 0;
  // After a mismatch the last `*` swallows one character more; -1 while there was none.
  let starAt = -1;
  let swallowedTo = 0;
  while (textAt < text.length) {
    if (pattern[patternAt] === '*') {
      starAt = patternAt;
      swallowedTo = textAt;
      patternAt += 1;
    } else if (patternAt < pattern.length && pattern[patternAt] === text[textAt]) {
      patternAt += 1;
      textAt += 1;
    } else if (starAt >= 0) {
      swallowedTo += 1;
      textAt = swallowedTo;
      patternAt = starAt + 1;
    } else {
      return false;
    }
  }
  while (pattern[patternAt] === '*') patternAt += 1;
  return patternAt === pattern.length;
}
