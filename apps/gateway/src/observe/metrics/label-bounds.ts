import { STATUS_CODES } from 'node:http';

/** The label value of everything that is outside a closed set; no series is ever made from what a stranger sent. */
export const OTHER = 'other';

/** The label values of callers that have no configured name. */
export const BUILT_IN_CLIENTS = ['anonymous', 'unauthenticated'] as const;

/** The methods that are a label value of their own. */
export const METHOD_LABELS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** How many model names become label values of their own before the rest are `other`. */
export const MAX_MODEL_LABELS = 20;

/** An upstream's model names are short tokens; anything else is not a name worth a series. */
const MODEL_NAME = /^[a-zA-Z0-9][\w.:@/-]{0,99}$/;

/** 499 is the gateway's own (the client left), 529 is Anthropic's overload; Node's table has neither. */
const STATUS_LABELS: ReadonlyMap<number, string> = new Map(
  [...Object.keys(STATUS_CODES).map(Number), 499, 529].map((status) => [status, String(status)]),
);

const METHODS: ReadonlySet<string> = new Set(METHOD_LABELS);

/** Maps a method to its label value; an unknown one is `other`. */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : OTHER;
}

/** Maps a status to its label value; an unregistered one keeps only its class, such as `5xx`, and a number that is no status is `other`. */
export function statusLabel(status: number): string {
  const known = STATUS_LABELS.get(status);
  if (known !== undefined) return known;
  return Number.isInteger(status) && status >= 100 && status <= 999 ? `${Math.floor(status / 100)}xx` : OTHER;
}

/** A set of label values; whatever is not in it is `other`. */
export interface ClosedLabel {
  /** Maps a value to itself when it is in the set, else to `other`. */
  label(value: string): string;
  /** The values in the set. */
  names(): Iterable<string>;
  /** Replaces the set, as a configuration reload does. */
  replace(values: Iterable<string>): void;
}

/** Creates a label whose values are configured: client names and route templates. */
export function createClosedLabel(values: Iterable<string>): ClosedLabel {
  let known: ReadonlySet<string> = new Set(values);
  return {
    label: (value) => (known.has(value) ? value : OTHER),
    names: () => known,
    replace(next) {
      known = new Set(next);
    },
  };
}

/** Creates the mapper of model names: the first `capacity` plausible names are themselves, all later ones are `other`. */
export function createLearnedLabel(capacity: number = MAX_MODEL_LABELS): (value: string | undefined) => string {
  const learned = new Set<string>();
  // The one that came last, which mostly comes again: it is compared, where each new text of an answer would have to be hashed.
  let latest: string | undefined;
  return (value) => {
    if (value === undefined) return OTHER;
    if (value === latest) return latest;
    if (!learned.has(value)) {
      if (learned.size >= capacity || !MODEL_NAME.test(value)) return OTHER;
      learned.add(value);
    }
    latest = value;
    return value;
  };
}
