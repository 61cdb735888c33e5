/** Nano-dollars (10⁻⁹ US dollars) of a dollar. */
export const NANO_DOLLARS_A_DOLLAR = 1_000_000_000;

/** The largest amount of one entry of the ledger, in nano-dollars: $100,000. 90,000 of them are a sum that a 64-bit column of a store still holds. */
export const MOST_NANO_DOLLARS = 100_000_000_000_000n;
/** The largest count of one entry, of tokens of one kind or of searches. */
export const MOST_COUNT = 1_000_000_000;

/** Nano-dollars as a number of US dollars, for what people read; sums are made of nano-dollars. */
export function dollarsOf(nanoDollars: bigint | number): number {
  return Number(nanoDollars) / NANO_DOLLARS_A_DOLLAR;
}

/** US dollars as people read them: `$12.34`, `$0.0012`, `<$0.0001`. */
export function wordDollars(dollars: number): string {
  if (dollars === 0) return '$0';
  if (dollars < 0.000_1) return '<$0.0001';
  return `$${dollars < 0.995 ? dollars.toFixed(4) : dollars.toFixed(2).replace(/\B(?=(?:\d{3})+\.)/g, ',')}`;
}
