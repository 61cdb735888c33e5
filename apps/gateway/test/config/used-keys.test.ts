import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asNode, configJsonSchema, propertiesOf, type JsonSchemaNode } from '../../src/config/reference/config-json-schema.ts';

/** The gateway, and the front door, which names the capabilities of models. */
const SOURCES = ['../../src', '../../../../packages/openai-front-door/src'].map((folder) => join(import.meta.dirname, folder));

/** Read by editors only. */
const FOR_EDITORS = '$schema';

/** The code that could use a key: everything but what declares and documents the keys. */
const CODE = SOURCES.flatMap((source) => readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/config[\\/](?:sections|reference)[\\/]/.test(file)).map((file) => readFileSync(join(source, file), 'utf8'))).join('\n');

function namesIn(node: JsonSchemaNode): string[] {
  return propertiesOf(node).flatMap(([name, child]) => [name, ...namesIn(child), ...namesIn(asNode(child.items) ?? {}), ...namesIn(asNode(child.additionalProperties) ?? {})]);
}

const inCamelCase = (name: string): string => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const isUsed = (name: string): boolean => [name, inCamelCase(name)].some((spelling) => new RegExp(`\\.${spelling}\\b|[{,]\\s*${spelling}\\s*[,:}=]`).test(CODE));

test('configuration: every key is used outside of the section that declares it (one that nothing reads would be accepted without effect)', () => {
  const names = [...new Set(namesIn(configJsonSchema()))].filter((name) => name !== FOR_EDITORS);
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !isUsed(name))).toEqual([]);
});
