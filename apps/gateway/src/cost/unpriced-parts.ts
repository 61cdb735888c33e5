/** Models without a price that are named of one request: an answer can name any number of them. */
export const MOST_UNPRICED = 20;

/** The models of one request whose price is not known. */
export interface UnpricedParts {
  /** Each once, in the order in which they came. */
  readonly models: readonly (string | undefined)[];
  /** Adds the model of a part; `undefined` is the request's own. */
  add(model: string | undefined): void;
}

/** Makes an empty list. */
export function createUnpricedParts(): UnpricedParts {
  const models: (string | undefined)[] = [];
  return {
    models,
    add(model) {
      if (models.length < MOST_UNPRICED && !models.includes(model)) models.push(model);
    },
  };
}
