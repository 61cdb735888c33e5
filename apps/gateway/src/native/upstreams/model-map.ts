import { Buffer } from 'node:buffer';

/** What one upstream calls a model. */
export interface MappedModel {
  readonly id: string;
  /** The JSON string that takes the place of the client's. */
  readonly json: Uint8Array;
}

/** The models of an upstream that has names of its own for them, by the names that clients use. Only these are served there. */
export type ModelMap = ReadonlyMap<string, MappedModel>;

/** Makes the map of one upstream; `undefined` where it names models as clients do. */
export function createModelMap(config: Readonly<Record<string, string>>): ModelMap | undefined {
  const entries = Object.entries(config);
  return entries.length === 0 ? undefined : new Map(entries.map(([model, id]) => [model, Object.freeze({ id, json: Buffer.from(JSON.stringify(id)) })]));
}
