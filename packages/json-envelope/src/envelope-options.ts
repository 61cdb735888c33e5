import { describeUnknownOption, describeWrongOption } from '@penstock/option-names';
import { EnvelopeOptionError } from './envelope-option-error.ts';
import { parseMemberPath, type MemberPath } from './member-path.ts';

/** What {@link createEnvelopeScanner} reads and what it refuses. */
export interface EnvelopeScannerOptions {
  /**
   * The paths to read: `name` (a member of the text's object), `name[]` (the elements of that member's array) or
   * `name[].member` (a member of each of its elements that is an object). At most 16.
   *
   * @defaultValue none; the text is only validated
   */
  readonly members?: readonly string[];
  /** How many objects and arrays may be open at once; more is `too_deep`. @defaultValue 512 */
  readonly maxDepth?: number;
  /** The length of the text; more is `too_large`. @defaultValue 33554432 (32 MiB) */
  readonly maxBytes?: number;
  /** The length of a read string or number as it is written in the text; more is read as `too_long`. @defaultValue 1024 */
  readonly maxValueBytes?: number;
  /** How many values are kept for one path; more is reported in `overflowed`. @defaultValue 64 */
  readonly maxValues?: number;
  /** Reports the place of each string that is read, so that exactly its bytes can be replaced. @defaultValue false */
  readonly spans?: boolean;
  /** Scans without WebAssembly, about ten times slower and with the same results, as is done where the engine lacks it. @defaultValue false */
  readonly plain?: boolean;
}

/** The limits that hold where the options name none. */
export const DEFAULT_ENVELOPE_LIMITS: Readonly<Required<Omit<EnvelopeScannerOptions, 'members' | 'plain' | 'spans'>>> = Object.freeze({
  maxDepth: 512,
  maxBytes: 32 * 1024 * 1024,
  maxValueBytes: 1024,
  maxValues: 64,
});

/** Options that were checked, with every default filled in. */
export interface ResolvedOptions {
  readonly paths: readonly MemberPath[];
  readonly maxDepth: number;
  readonly maxBytes: number;
  readonly maxValueBytes: number;
  readonly maxValues: number;
  readonly spans: boolean;
  readonly plain: boolean;
}

const KNOWN_OPTIONS: Readonly<Record<keyof EnvelopeScannerOptions, unknown>> = Object.freeze({ ...DEFAULT_ENVELOPE_LIMITS, members: true, plain: true, spans: true });
const MAX_PATHS = 16;
const MAX_DEPTH = 4096;
const MAX_VALUE_BYTES = 8192;

/** Checks the options once and fills in the defaults; throws an `EnvelopeOptionError` that names the option. */
export function resolveOptions(options: EnvelopeScannerOptions): ResolvedOptions {
  const unknown = describeUnknownOption(options, KNOWN_OPTIONS);
  if (unknown !== undefined) throw new EnvelopeOptionError('unknown_option', unknown);
  const wrong = describeWrongOption(options, { plain: 'boolean?', spans: 'boolean?' });
  if (wrong !== undefined) throw new EnvelopeOptionError('invalid_option', wrong);
  const members = options.members ?? [];
  if (!Array.isArray(members) || members.length > MAX_PATHS) {
    throw new EnvelopeOptionError('invalid_option', `members must be an array of at most ${MAX_PATHS} paths, received ${String(members)}`);
  }
  if (new Set(members).size !== members.length) {
    throw new EnvelopeOptionError('invalid_option', `members must be distinct, received ${members.join(', ')}`);
  }
  return Object.freeze({
    paths: members.map(parseMemberPath),
    maxDepth: integerOption('maxDepth', options.maxDepth, MAX_DEPTH),
    maxBytes: integerOption('maxBytes', options.maxBytes, Number.MAX_SAFE_INTEGER),
    maxValueBytes: integerOption('maxValueBytes', options.maxValueBytes, MAX_VALUE_BYTES),
    maxValues: integerOption('maxValues', options.maxValues, Number.MAX_SAFE_INTEGER),
    spans: options.spans === true,
    plain: options.plain === true,
  });
}

function integerOption(name: keyof typeof DEFAULT_ENVELOPE_LIMITS, given: number | undefined, maximum: number): number {
  const value = given ?? DEFAULT_ENVELOPE_LIMITS[name];
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new EnvelopeOptionError('invalid_option', `${name} must be a positive integer, received ${String(value)}`);
  }
  if (value > maximum) throw new EnvelopeOptionError('invalid_option', `${name} must be at most ${maximum}, received ${value}`);
  return value;
}
