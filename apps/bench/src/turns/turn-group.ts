import type { BoundedCell, BoundedSide } from '@penstock/test-support';

/** Inputs that are one row of the table. */
export interface TurnGroup {
  readonly side: BoundedSide;
  readonly party: BoundedCell['party'];
  readonly form: string;
}

/** The longest turn that is aimed at, in milliseconds. */
export const TARGET_MS: Readonly<Record<BoundedSide, number>> = { native: 50, relayed: 50, operations: 50, translated: 100 };

const FORMS: readonly (readonly [form: string, names: RegExp])[] = [
  ['chunks of one byte', /chunks of one byte/],
  ['compressed', /\b(?:gzip|br|zstd)\b/],
  ['heads, trailers and pipelined', /lines|header that|extensions|scrapes|informational/],
];

/** The group of an input. */
export function groupOf({ side, party, name }: BoundedCell): TurnGroup {
  return { side, party, form: FORMS.find(([, names]) => names.test(name))?.[0] ?? 'large pieces' };
}
