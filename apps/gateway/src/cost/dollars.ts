const NANO_DOLLARS_A_DOLLAR = 1_000_000_000;

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
