const NANO_DOLLARS_A_CENT = 10_000_000n;
const CENTS_A_DOLLAR = 100n;

/** Whole cents in nano-dollars. */
export function nanoDollarsOfCents(cents: number): bigint {
  return BigInt(cents) * NANO_DOLLARS_A_CENT;
}

/** Nano-dollars in whole cents, rounded half up. */
export function centsOf(nanoDollars: bigint): number {
  return Number((nanoDollars + NANO_DOLLARS_A_CENT / 2n) / NANO_DOLLARS_A_CENT);
}

/** Nano-dollars in cents as an exact decimal text without trailing zeros: `0.188`. */
export function centsText(nanoDollars: bigint): string {
  const fraction = (nanoDollars % NANO_DOLLARS_A_CENT).toString().padStart(7, '0').replace(/0+$/, '');
  return `${nanoDollars / NANO_DOLLARS_A_CENT}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Nano-dollars as people read them: `$1.50`, rounded half up. */
export function dollarsText(nanoDollars: bigint): string {
  const cents = (nanoDollars + NANO_DOLLARS_A_CENT / 2n) / NANO_DOLLARS_A_CENT;
  return `$${cents / CENTS_A_DOLLAR}.${(cents % CENTS_A_DOLLAR).toString().padStart(2, '0')}`;
}

/** The least that makes a whole hundredth of an amount. */
export function amountOfPercent(percent: number, amount: bigint): bigint {
  return (BigInt(percent) * amount + 99n) / 100n;
}

/** The part of an amount that is spent, in whole hundredths, rounded down. All of an amount of 0 is spent. */
export function percentOf(spent: bigint, amount: bigint): number {
  return amount === 0n ? 100 : Number((spent * 100n) / amount);
}
