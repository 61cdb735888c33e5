import { isJsonObject, listOf, objectsOf, type JsonObject } from '../json.ts';
import type { Check } from './schema-checks.ts';

const TOP_COMBINATORS = ['oneOf', 'allOf', 'anyOf'] as const;

/** Refuses a tool's schema whose top is a combination of schemas. */
export function checkTopCombinators(path: string, schema: JsonObject): Check {
  return TOP_COMBINATORS.some((name) => schema[name] !== undefined) ? `${path}: input_schema does not support oneOf, allOf, or anyOf at the top level` : undefined;
}

/** Refuses a schema that is enforced (a strict tool, a structured output) where an object takes further members. */
export function checkClosedObjects(path: string, schema: JsonObject): Check {
  return hasOpenObject(schema) ? `${path}: For 'object' type, 'additionalProperties' must be explicitly set to false` : undefined;
}

/** A list of what is still to be looked at, not recursion: a schema may be nested deeper than the stack. */
function hasOpenObject(root: JsonObject): boolean {
  const open = [root];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    const isObject = schema['type'] === 'object' || listOf(schema['type']).includes('object');
    if (isObject && schema['additionalProperties'] !== false) return true;
    for (const inner of subschemas(schema)) open.push(inner);
  }
  return false;
}

/** The schemas inside a schema; what stands in `enum`, `const` or `default` is a value. */
function subschemas(schema: JsonObject): readonly JsonObject[] {
  const named = ['properties', '$defs', 'definitions'].map((name) => schema[name]).filter(isJsonObject).flatMap((group) => Object.values(group));
  return objectsOf([...named, schema['items'], ...['anyOf', 'oneOf', 'allOf', 'prefixItems'].flatMap((name) => listOf(schema[name]))]);
}
