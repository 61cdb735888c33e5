import { printableName } from '../fields/field-syntax.ts';

/**
 * What makes a request ambiguous enough to refuse it: 400 for all but `too_many_fields`, which is 431 (RFC 6585 §5).
 *
 * `nominated_field`: `Connection` names a field the gateway relies on. `duplicate_singleton`: two lines of a field that has one value.
 * `invalid_field`: a name or value that HTTP does not allow. `too_many_fields`: more than `maxRequestFields`.
 */
export const HEADER_VIOLATION_CODES = ['nominated_field', 'duplicate_singleton', 'invalid_field', 'too_many_fields'] as const;

/** One of {@link HEADER_VIOLATION_CODES}. */
export type HeaderViolationCode = (typeof HEADER_VIOLATION_CODES)[number];

/** Why a request was refused as a whole. */
export interface HeaderViolation {
  readonly code: HeaderViolationCode;
  /** The field, as the client wrote it, shortened and made printable; empty for `too_many_fields`. */
  readonly name: string;
  /** One sentence fit for the client: it names the field, never its value. */
  readonly message: string;
}

/** Makes a violation whose name is safe to print; `explain` gets that name. */
export function violationOf(code: HeaderViolationCode, name: unknown, explain: (name: string) => string): HeaderViolation {
  const printable = printableName(name);
  return { code, name: printable, message: explain(printable) };
}
