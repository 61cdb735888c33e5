import type { SeededRandom } from '../seeded-random.ts';

/** Sentences with the things that break careless relays: quotes, escapes, line ends, two-, three- and four-byte characters. */
const SENTENCES: readonly string[] = [
  'Water finds its own level, and so does a good answer.',
  'The reservoir sits 240 metres above the turbine hall.',
  'Here is the short version: yes, with one exception.',
  'A “penstock” carries water under pressure; the gate decides how much.',
  'The café at the dam opens at 07:30 — naïve visitors arrive at 07:00.',
  'In Japanese the word is 水圧管, which fits the picture well.',
  'Backslashes (\\), quotes (") and tabs (\t) should arrive as they left.',
  '1. Open the gate slowly.\n2. Watch the pressure.\n3. Write it down.',
  'Good news 🎉: the measured loss was below 0.4 %.',
  'Does that hold in winter? Mostly, because ice forms at the surface first.',
  'The formula is p = ρ·g·h, so height matters and volume does not.',
  'Let me put it differently.\n\nThe pipe does not change the water.',
  'Families 👨‍👩‍👧‍👦 of engineers have worked here since 1911.',
  '```js\nconst gate = { open: true };\n```',
  'Nothing here needs more than two people and a wrench.',
];

/** Text of at least `minTokens` tokens' length, repeatable for a seed. */
export function writeProse(random: SeededRandom, sentences: number): string {
  return Array.from({ length: sentences }, () => random.pick(SENTENCES)).join(' ');
}

/** Cuts a text into the uneven pieces that a model's deltas come in; never inside a character, never empty. */
export function cutIntoPieces(text: string, random: SeededRandom, longest = 28): string[] {
  const characters = Array.from(text);
  const pieces: string[] = [];
  let offset = 0;
  while (offset < characters.length) {
    const length = 1 + random.integer(longest);
    pieces.push(characters.slice(offset, offset + length).join(''));
    offset += length;
  }
  return pieces;
}
