import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSecretField } from '../../src/config/problems/secret-fields.ts';
import { configJsonSchema, type JsonSchemaNode } from '../../src/config/reference/config-json-schema.ts';

const BASE = resolve(import.meta.dirname, '../../../../deploy/helm/values-base.schema.json');
/** A value that the gateway reads when it starts. */
const REFERENCE = String.raw`\$\{(env|file):[^}]+\}`;

/** `values-base.schema.json` with the schema of the configuration in its place: what the gateway would refuse, helm refuses before. */
export function chartValuesSchema(): JsonSchemaNode {
  const base = JSON.parse(readFileSync(BASE, 'utf8')) as JsonSchemaNode & { properties: Record<string, JsonSchemaNode> };
  const { $schema: _dialect, ...config } = configJsonSchema();
  return { ...base, properties: { ...base.properties, config: { allOf: [forValues(config, ''), base.properties['config'] ?? {}] } } };
}

/** A schema as it holds for values: references are not resolved yet, and secrets must be references. */
function forValues(node: JsonSchemaNode, name: string): JsonSchemaNode {
  const { default: _default, 'x-reloadable': _reloadable, ...rest } = node;
  if (rest.type === 'string') return forString(rest, name);
  const each = (nodes: unknown): JsonSchemaNode[] => (nodes as JsonSchemaNode[]).map((child) => forValues(child, name));
  return {
    ...rest,
    ...(rest.properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(rest.properties).map(([key, child]) => [key, forValues(child as JsonSchemaNode, key)])) }),
    ...(typeof rest.additionalProperties === 'object' ? { additionalProperties: forValues(rest.additionalProperties, name) } : {}),
    ...(typeof rest.items === 'object' ? { items: forValues(rest.items as JsonSchemaNode, name) } : {}),
    ...(rest.anyOf === undefined ? {} : { anyOf: each(rest.anyOf) }),
  };
}

/** Fields that are no secret unless they hold a password: URLs, and hashes. */
const MAY_BE_PLAIN: ReadonlySet<string> = new Set(['store', 'proxy', 'key_sha256', 'sha256', 'key']);

function forString(node: JsonSchemaNode, name: string): JsonSchemaNode {
  const { description, type: _type, ...constraints } = node;
  const named = { ...(description === undefined ? {} : { description }), type: 'string' as const };
  if (isSecretField(name) && !MAY_BE_PLAIN.has(name)) return { ...named, pattern: `^${REFERENCE}$` };
  const hidesNothing = isSecretField(name) ? { not: { pattern: '://[^/]*@|-----BEGIN' } } : {};
  if (Object.keys({ ...constraints, ...hidesNothing }).length === 0) return named;
  return { ...named, anyOf: [{ ...constraints, ...hidesNothing }, { pattern: REFERENCE }] };
}
