import { isJsonObject, listOf, type JsonObject } from '../json.ts';
import type { SeededRandom } from '../seeded-random.ts';

const MAX_DEPTH = 12;

const FORMAT_SAMPLES: Readonly<Record<string, string>> = Object.freeze({
  'date-time': '2026-11-22T09:30:00Z', date: '2026-11-22', time: '09:30:00Z', duration: 'PT90S', email: 'ada@example.com',
  hostname: 'example.com', uri: 'https://example.com/', ipv4: '192.0.2.1', ipv6: '2001:db8::1', uuid: '0b8f5c1e-6d1c-4f0e-9a53-0f8f2c6a7d11',
});

const WORDS: readonly string[] = ['Paris', 'sluice', '“gate”', 'Zürich', 'two words', '水', 'open', 'line\nbreak'];

/** A value that conforms to a JSON Schema: required members always, optional ones too while the nesting is shallow. */
export function valueForSchema(schema: unknown, random: SeededRandom): unknown {
  return valueFor(schema, { root: isJsonObject(schema) ? schema : {}, random }, 0);
}

/** The arguments for a tool: an object that conforms to its `input_schema`. */
export function argumentsForSchema(schema: unknown, random: SeededRandom): JsonObject {
  const value = valueForSchema(isJsonObject(schema) ? { type: 'object', ...schema } : { type: 'object' }, random);
  return isJsonObject(value) ? value : {};
}

interface SchemaContext {
  readonly root: JsonObject;
  readonly random: SeededRandom;
}

function valueFor(schema: unknown, context: SchemaContext, depth: number): unknown {
  if (!isJsonObject(schema)) return 'value';
  if (typeof schema['$ref'] === 'string') return depth > MAX_DEPTH ? null : valueFor(resolveReference(schema['$ref'], context.root), context, depth + 1);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return context.random.pick(schema['enum']);
  const alternatives = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  // The last alternative when deep: recursive schemas put the end of the recursion there or first, and depth bounds the rest.
  if (alternatives.length > 0) return valueFor(depth > MAX_DEPTH / 2 ? alternatives.at(-1) : alternatives[0], context, depth + 1);
  if (Array.isArray(schema['allOf'])) return valueFor(mergeSchemas(schema, schema['allOf'], context.root), context, depth + 1);
  const type = Array.isArray(schema['type']) ? schema['type'][0] as unknown : schema['type'] ?? (isJsonObject(schema['properties']) ? 'object' : 'string');
  switch (type) {
    case 'object': return objectFor(schema, context, depth);
    case 'array': return arrayFor(schema, context, depth);
    case 'integer': case 'number': return numberFor(schema, type === 'integer', context.random);
    case 'boolean': return context.random.integer(2) === 1;
    case 'null': return null;
    default: return stringFor(schema, context.random);
  }
}

function objectFor(schema: JsonObject, context: SchemaContext, depth: number): JsonObject {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = new Set(listOf(schema['required']));
  const isDeep = depth > MAX_DEPTH / 2;
  const members = Object.entries(properties).filter(([name]) => required.has(name) || !isDeep);
  return Object.fromEntries(members.map(([name, member]) => [name, valueFor(member, context, depth + 1)]));
}

function arrayFor(schema: JsonObject, context: SchemaContext, depth: number): readonly unknown[] {
  const fewest = numberOr(schema['minItems'], 0);
  const wanted = depth > MAX_DEPTH / 2 ? fewest : Math.max(fewest, 1 + context.random.integer(2));
  const length = Math.min(wanted, numberOr(schema['maxItems'], wanted));
  const prefix = listOf(schema['prefixItems']);
  return Array.from({ length: Math.max(length, prefix.length) }, (_, index) => valueFor(prefix[index] ?? schema['items'], context, depth + 1));
}

function numberFor(schema: JsonObject, isInteger: boolean, random: SeededRandom): number {
  const step = numberOr(schema['multipleOf'], isInteger ? 1 : 0.5);
  const exclusive = schema['exclusiveMinimum'];
  const lowest = typeof exclusive === 'number' ? exclusive + step : numberOr(schema['minimum'], numberOr(schema['maximum'], 100) < 0 ? numberOr(schema['maximum'], 0) - 10 * step : 0);
  const upper = schema['exclusiveMaximum'];
  const highest = typeof upper === 'number' ? upper - step : numberOr(schema['maximum'], lowest + 100 * step);
  const first = Math.ceil(lowest / step);
  const choices = Math.max(1, Math.floor(highest / step) - first + 1);
  const value = (first + random.integer(Math.min(choices, 1_000))) * step;
  return value > highest || value < lowest ? lowest : value;
}

function stringFor(schema: JsonObject, random: SeededRandom): string {
  const sample = FORMAT_SAMPLES[String(schema['format'])];
  if (sample !== undefined) return sample;
  const text = random.pick(WORDS).padEnd(numberOr(schema['minLength'], 0), 'x');
  return text.slice(0, numberOr(schema['maxLength'], text.length));
}

function mergeSchemas(schema: JsonObject, parts: readonly unknown[], root: JsonObject): JsonObject {
  const { allOf: _merged, ...own } = schema;
  const resolved = parts.map((part) => isJsonObject(part) && typeof part['$ref'] === 'string' ? resolveReference(part['$ref'], root) : part).filter(isJsonObject);
  const all = [own, ...resolved];
  const properties = merged(all.map((part) => part['properties']));
  const required = all.flatMap((part) => listOf(part['required']));
  return { ...merged(all), ...Object.keys(properties).length > 0 ? { properties, required } : {} };
}

function merged(objects: readonly unknown[]): JsonObject {
  return Object.fromEntries(objects.filter(isJsonObject).flatMap((object) => Object.entries(object)));
}

function resolveReference(reference: string, root: JsonObject): unknown {
  if (!reference.startsWith('#')) return undefined;
  return reference.split('/').slice(1).reduce<unknown>(
    (value, part) => isJsonObject(value) ? value[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')] : undefined, root);
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}
