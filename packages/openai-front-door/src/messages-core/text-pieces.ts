/** So many pieces are held as they came; what is before them is one flat text for each so many. */
const HELD_PIECES = 1024;

/**
 * Gathers a text that arrives in small pieces. A string that grows by `+=` keeps an object for each piece, thirty times a piece of one character;
 * here only the last `HELD_PIECES` are pieces.
 */
export class TextPieces {
  readonly #blocks: string[] = [];
  #pieces: string[] = [];
  length = 0;

  append(text: string): void {
    this.#pieces.push(text);
    this.length += text.length;
    if (this.#pieces.length < HELD_PIECES) return;
    this.#blocks.push(this.#pieces.join(''));
    this.#pieces = [];
  }

  toString(): string {
    return this.#blocks.join('') + this.#pieces.join('');
  }
}
