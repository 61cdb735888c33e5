import { isJsonObject, listOf, objectsOf, type JsonObject } from '../json.ts';
import type { Check } from './schema-checks.ts';

const TOP_COMBINATORS = ['oneOf', 'allOf', 'anyOf'] as const;

/** Refuses a tool's schema whose top is a combination of schemas. */
export function checkTopCombinators(path: string, schema: JsonObject): Check {
  return TOP_COMBINATORS.some((name) => schema[name] !== undefined) ? `${path}: input_schema does not support oneOf, allOf, or anyOf at the top level` : undefined;
}

/** The keywords that cannot be enforced, by the type whose values they constrain (https://platform.claude.com/docs/en/build-with-claude/structured-outputs). */
const REFUSED_KEYWORDS: Readonly<Record<string, readonly string[]>> = Object.freeze({
  string: ['minLength', 'maxLength'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: ['maxItems', 'uniqueItems', 'contains', 'minContains', 'maxContains', 'prefixItems'],
  object: ['minProperties', 'maxProperties', 'patternProperties', 'propertyNames', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
});
const REFUSED_ANYWHERE: readonly string[] = ['oneOf', 'not', 'if', 'then', 'else'];
const STRING_FORMATS: ReadonlySet<unknown> = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']);

/**
 * Refuses a schema that is enforced (a strict tool, a structured output) for an object that takes further members or a keyword that cannot be
 * enforced. A list of what is still to be looked at, not recursion: a schema may be nested deeper than the stack.
 */
export function checkEnforcedSchema(path: string, root: JsonObject): Check {
  for (const schema of allSchemas(root)) {
    const problem = checkOneSchema(schema);
    if (problem !== undefined) return `${path}: ${problem}`;
  }
  return containsItself(root) ? `${path}: Recursive schemas are not supported` : undefined;
}

/** A schema and all inside it. */
function allSchemas(root: JsonObject, inside: (schema: JsonObject) => readonly JsonObject[] = subschemas): readonly JsonObject[] {
  const found: JsonObject[] = [];
  const open = [root];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    found.push(schema);
    for (const inner of inside(schema)) open.push(inner);
  }
  return found;
}

const DEFINITIONS = ['$defs', 'definitions'] as const;

/** Whether a definition leads back to itself, or any schema to the root. Definitions whose references all end are taken out until none is left, or a circle. */
function containsItself(root: JsonObject): boolean {
  const bodyOf = (schema: JsonObject): readonly JsonObject[] => subschemas(Object.fromEntries(Object.entries(schema).filter(([name]) => !DEFINITIONS.includes(name as '$defs'))));
  const referencesIn = (schema: JsonObject): Set<string> => new Set(allSchemas(schema, bodyOf).flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : [])));
  if (allSchemas(root).some(({ $ref }) => $ref === '#')) return true;
  const open = new Map<string, ReadonlySet<string>>(DEFINITIONS.flatMap((group) => (isJsonObject(root[group]) ? Object.entries(root[group]) : []).filter(([, definition]) => isJsonObject(definition)).map(([name, definition]): [string, ReadonlySet<string>] => [`#/${group}/${name}`, referencesIn(definition as JsonObject)])));
  for (let before = open.size + 1; before > open.size;) {
    before = open.size;
    for (const [name, references] of open) if (![...references].some((reference) => open.has(reference))) open.delete(name);
  }
  return open.size > 0;
}

function checkOneSchema(schema: JsonObject): Check {
  const types = typeof schema['type'] === 'string' ? [schema['type']] : listOf(schema['type']).map(String);
  if (types.includes('object') && schema['additionalProperties'] !== false) return "For 'object' type, 'additionalProperties' must be explicitly set to false";
  if (typeof schema['$ref'] === 'string' && !schema['$ref'].startsWith('#')) return 'External schema references are not supported';
  if (objectsOf(listOf(schema['allOf'])).some(({ $ref }) => $ref !== undefined)) return "Schema type 'allOf' with '$ref' is not supported";
  const combinator = REFUSED_ANYWHERE.find((name) => schema[name] !== undefined);
  if (combinator !== undefined) return `Schema type '${combinator}' is not supported`;
  for (const type of types) {
    const refused = (Object.hasOwn(REFUSED_KEYWORDS, type) ? REFUSED_KEYWORDS[type] ?? [] : []).filter((name) => schema[name] !== undefined);
    if (refused.length === 1) return `For '${type}' type, property '${refused.join('')}' is not supported`;
    if (refused.length > 1) return `For '${type}' type, properties ${refused.join(', ')} are not supported`;
  }
  if (types.includes('array') && schema['minItems'] !== undefined && schema['minItems'] !== 0 && schema['minItems'] !== 1) return "For 'array' type, 'minItems' values other than 0 or 1 are not supported";
  if (types.includes('string') && schema['format'] !== undefined && !STRING_FORMATS.has(schema['format'])) return `For 'string' type, format ${JSON.stringify(schema['format'])} is not supported`;
  return listOf(schema['enum']).some((value) => typeof value === 'object' && value !== null) ? 'Enum values of complex types are not supported' : undefined;
}

/** The schemas inside a schema; what stands in `enum`, `const` or `default` is a value. */
function subschemas(schema: JsonObject): readonly JsonObject[] {
  const named = ['properties', '$defs', 'definitions'].map((name) => schema[name]).filter(isJsonObject).flatMap((group) => Object.values(group));
  return objectsOf([...named, schema['items'], ...['anyOf', 'oneOf', 'allOf', 'prefixItems'].flatMap((name) => listOf(schema[name]))]);
}
