import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';

/** Keywords that the upstream refuses at the top of a tool's schema. */
const TOP_COMBINATORS = ['anyOf', 'oneOf', 'allOf'] as const;
type Combinator = (typeof TOP_COMBINATORS)[number];

/** What of a variant is merged. */
const MERGED: ReadonlySet<string> = new Set(['type', 'properties', 'required', 'additionalProperties']);
/** What only describes, and says nothing of what is valid. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', '$comment', 'examples', 'default', 'deprecated']);

const LOCAL_REFERENCE = /^#\/(\$defs|definitions)\/([^/]+)$/;
/** A reference may lead to another one, and the last to the first. */
const MAX_REFERENCES = 8;

function resolveReference(variant: JsonObject, schema: JsonObject): JsonObject | undefined {
  let resolved: unknown = variant;
  for (let hop = 0; hop < MAX_REFERENCES && isJsonObject(resolved); hop += 1) {
    const reference = member(resolved, '$ref');
    if (reference === undefined) return resolved;
    const [, group, name] = typeof reference === 'string' ? LOCAL_REFERENCE.exec(reference) ?? [] : [];
    const definitions = group === undefined ? undefined : member(schema, group);
    if (!isJsonObject(definitions) || name === undefined) return undefined;
    resolved = member(definitions, name.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return undefined;
}

/** The variants of a combinator, `undefined` where one cannot be merged. Those that no object satisfies say nothing of an object. */
function objectVariants(schema: JsonObject, combinator: Combinator): readonly JsonObject[] | undefined {
  const given = member(schema, combinator);
  if (!Array.isArray(given)) return undefined;
  const variants: JsonObject[] = [];
  for (const value of given as readonly unknown[]) {
    const variant = isJsonObject(value) ? resolveReference(value, schema) : undefined;
    if (variant === undefined) return undefined;
    const type = member(variant, 'type');
    if (typeof type === 'string' && type !== 'object' && combinator !== 'allOf') continue;
    const isMergeable = (type === undefined || type === 'object') && Object.keys(variant).every((name) => MERGED.has(name) || ANNOTATIONS.has(name));
    if (!isMergeable) return undefined;
    variants.push(variant);
  }
  return variants.length === 0 ? undefined : variants;
}

function requiredOf(schema: JsonObject): readonly string[] {
  const required = member(schema, 'required');
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

/** One property as all schemas together describe it: the schemas that differ, once each, under the combinator. */
function mergeProperties(schemas: readonly JsonObject[], combinator: Combinator): JsonObject {
  const byName = new Map<string, Map<string, unknown>>();
  for (const schema of schemas) {
    const properties = member(schema, 'properties');
    for (const [name, property] of Object.entries(isJsonObject(properties) ? properties : {})) {
      const described = byName.get(name) ?? new Map<string, unknown>();
      described.set(stringifyExactly(property), property);
      byName.set(name, described);
    }
  }
  return Object.fromEntries([...byName].map(([name, described]) => {
    const [only, ...others] = described.values();
    return [name, others.length === 0 ? only : { [combinator === 'allOf' ? 'allOf' : 'anyOf']: [only, ...others] }];
  }));
}

function mergeRequired(variants: readonly JsonObject[], combinator: Combinator): readonly string[] {
  const lists = variants.map(requiredOf);
  if (combinator === 'allOf') return lists.flat();
  const counts = new Map<string, number>();
  for (const name of lists.flatMap((list) => [...new Set(list)])) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].filter(([, count]) => count === variants.length).map(([name]) => name);
}

function mergeOne(schema: JsonObject, combinator: Combinator): JsonObject | undefined {
  const variants = objectVariants(schema, combinator);
  if (variants === undefined) return undefined;
  const { [combinator]: _merged, properties: _properties, required: _required, ...rest } = schema;
  const properties = mergeProperties([schema, ...variants], combinator);
  const required = [...new Set([...requiredOf(schema), ...mergeRequired(variants, combinator)])];
  const isClosed = variants.every((variant) => variant['additionalProperties'] === false);
  return {
    ...rest, type: 'object', properties,
    ...(required.length === 0 ? {} : { required }),
    ...(isClosed && member(rest, 'additionalProperties') === undefined ? { additionalProperties: false } : {}),
  };
}

/** A schema without a combinator at its top, and whether it had one. */
export interface MergedSchema {
  readonly schema: JsonObject;
  readonly isMerged: boolean;
}

/**
 * Merges the variants of `anyOf`, `oneOf` or `allOf` at the top of a tool's schema into one object, which the upstream demands there: it takes every
 * property that a variant has and requires those that all of them require, so that it allows all that the variants allow, and more.
 * `undefined` where a variant is more than an object with properties, so that nothing can stand for it.
 */
export function mergeTopVariants(schema: JsonObject): MergedSchema | undefined {
  let merged: JsonObject | undefined = schema;
  for (const combinator of TOP_COMBINATORS) {
    if (merged === undefined) return undefined;
    if (Object.hasOwn(merged, combinator)) merged = member(merged, combinator) === undefined ? without(merged, combinator) : mergeOne(merged, combinator);
  }
  return merged === undefined ? undefined : { schema: merged, isMerged: merged !== schema };
}

function without(schema: JsonObject, name: string): JsonObject {
  const { [name]: _left, ...rest } = schema;
  return rest;
}
