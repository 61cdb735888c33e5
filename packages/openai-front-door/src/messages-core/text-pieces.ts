/** So many characters are held as pieces that grow; what is before them is one flat text each. */
const BLOCK_CHARS = 16 * 1024;

/**
 * Gathers a text that arrives in small pieces. A string that grows by `+=` keeps an object for each piece, forty times a piece of one character;
 * here only the last `BLOCK_CHARS` are such a string.
 */
export class TextPieces {
  readonly #blocks: string[] = [];
  #tail = '';
  length = 0;

  append(text: string): void {
    this.#tail += text;
    this.length += text.length;
    if (this.#tail.length < BLOCK_CHARS) return;
    // `join` writes a flat copy, and the pieces are given up.
    this.#blocks.push([this.#tail, ''].join(''));
    this.#tail = '';
  }

  toString(): string {
    return this.#blocks.length === 0 ? this.#tail : this.#blocks.join('') + this.#tail;
  }
}
