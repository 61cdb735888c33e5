/** Where the number is folded into the bigint: with one more entry (`MOST_NANO_DOLLARS`) it is still an exact integer. */
const FULL = 2 ** 52;

/**
 * A sum of amounts, exact at any size. What is added stays a number for as long as that is exact, since each addition of two bigints makes a third one, and a request
 * adds to three sums.
 */
export class NanoDollarSum {
  #small = 0;
  #large = 0n;

  /**
   * @param nanoDollars at most `FULL`, as the amount of every entry is; a larger one is added as a bigint
   * @param amount `Number(nanoDollars)`, which a caller that adds to several sums makes once: the conversion takes longer than the addition
   */
  add(nanoDollars: bigint, amount: number = Number(nanoDollars)): void {
    if (Math.abs(amount) >= FULL) {
      this.#large += nanoDollars;
      return;
    }
    this.#small += amount;
    if (Math.abs(this.#small) < FULL) return;
    this.#large += BigInt(this.#small);
    this.#small = 0;
  }

  get total(): bigint {
    return this.#large + BigInt(this.#small);
  }
}
