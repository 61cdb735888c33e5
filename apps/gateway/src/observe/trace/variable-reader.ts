import type { Environment } from '../../config/reading/overrides.ts';

/** Reads environment variables by the rules of the OpenTelemetry specification: an empty one is unset, a bad one is left out and named. */
export interface VariableReader {
  /** The first of the variables that is set. */
  text(names: readonly string[]): string | undefined;
  choice<Choice extends string>(names: readonly string[], choices: readonly Choice[]): Choice | undefined;
  /** A positive integer. */
  integer(names: readonly string[], fallback: number): number;
  /** A number from 0 to 1. */
  ratio(name: string): number | undefined;
  /** `key=value` pairs between commas, percent-encoded. */
  pairs(name: string): Record<string, string>;
  /** Adds a warning in words; it must quote no value. */
  warn(message: string): void;
}

const MAX_INTEGER_DIGITS = 9;
const PAIR = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(.*?)\s*$/;
/** Neither a control character nor what is no latin1: nothing else may stand in a header field. */
const PLAIN_VALUE = /^[\t\x20-\x7e\xa0-\xff]*$/;

/** Makes a reader that adds what it could not use to `warnings`. */
export function createVariableReader(environment: Environment, warnings: string[]): VariableReader {
  const warn = (message: string): void => { warnings.push(message); };
  const find = (names: readonly string[]): { readonly name: string; readonly value: string } | undefined => {
    for (const name of names) {
      const value = environment[name]?.trim();
      if (value !== undefined && value !== '') return { name, value };
    }
    return undefined;
  };
  return {
    warn,
    text: (names) => find(names)?.value,
    choice<Choice extends string>(names: readonly string[], choices: readonly Choice[]): Choice | undefined {
      const found = find(names);
      if (found === undefined) return undefined;
      const choice = choices.find((candidate) => candidate === found.value.toLowerCase());
      if (choice === undefined) warn(`${found.name} must be one of ${choices.join(', ')}: the default is used.`);
      return choice;
    },
    integer(names, fallback) {
      const found = find(names);
      if (found === undefined) return fallback;
      if (new RegExp(`^\\d{1,${MAX_INTEGER_DIGITS}}$`).test(found.value) && Number(found.value) > 0) return Number(found.value);
      warn(`${found.name} must be a positive integer: ${fallback} is used.`);
      return fallback;
    },
    ratio(name) {
      const found = find([name]);
      if (found === undefined) return undefined;
      const value = Number(found.value);
      if (value >= 0 && value <= 1) return value;
      warn(`${name} must be a number from 0 to 1: 1 is used.`);
      return undefined;
    },
    pairs(name) {
      const pairs: Record<string, string> = Object.create(null) as Record<string, string>;
      for (const text of (find([name])?.value ?? '').split(',')) {
        if (text.trim() === '') continue;
        const [, key, value] = PAIR.exec(text) ?? [];
        const decoded = value === undefined ? undefined : decode(value);
        if (key === undefined || decoded === undefined || !PLAIN_VALUE.test(decoded)) warn(`${name} must be key=value pairs between commas: one that is not is left out.`);
        else pairs[key] = decoded;
      }
      return { ...pairs };
    },
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
