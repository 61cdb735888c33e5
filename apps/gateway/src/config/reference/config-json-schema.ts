import { z } from 'zod';
import { gatewayConfigSchema } from '../gateway-config.ts';

/** A schema inside a JSON Schema. */
export type JsonSchemaNode = z.core.JSONSchema.BaseSchema;

/** The JSON Schema (2020-12) of the configuration file, generated from the definition that validates it. */
export function configJsonSchema(): JsonSchemaNode {
  const schema = z.toJSONSchema(gatewayConfigSchema, { io: 'input', target: 'draft-2020-12' });
  return { title: 'Penstock configuration', description: 'Durations are in seconds. ${env:NAME} and ${file:PATH} may stand in any string.', ...schema };
}

/** The schema of whatever stands at a path, or undefined where nothing is known. */
export function schemaAt(root: JsonSchemaNode, path: readonly PropertyKey[]): JsonSchemaNode | undefined {
  let node: JsonSchemaNode | undefined = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    node = typeof step === 'number' ? asNode(node.items) : propertiesOf(node).find(([name]) => name === step)?.[1] ?? asNode(node.additionalProperties);
  }
  return node;
}

/** The named properties of an object's schema, in the order of the definition. */
export function propertiesOf(node: JsonSchemaNode): [name: string, schema: JsonSchemaNode][] {
  return Object.entries(node.properties ?? {}).flatMap(([name, schema]): [string, JsonSchemaNode][] => (typeof schema === 'object' ? [[name, schema]] : []));
}

/** A part of a schema that may be a schema, a flag or a list of schemas. */
export function asNode(part: JsonSchemaNode['items']): JsonSchemaNode | undefined {
  return typeof part === 'object' && !Array.isArray(part) ? part : undefined;
}

/** Every path of the schema that ends in a name, such as `server.port` for `port`. */
export function pathsEndingIn(root: JsonSchemaNode, name: string, prefix = ''): string[] {
  return propertiesOf(root).flatMap(([key, node]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return [...(key === name ? [path] : []), ...pathsEndingIn(node, name, path)];
  });
}

/** The paths whose keys are `RELOADABLE`, in the order of the definition. A path covers everything below it. */
export function reloadablePaths(root: JsonSchemaNode = configJsonSchema(), prefix = ''): string[] {
  return propertiesOf(root).flatMap(([key, node]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return node['x-reloadable'] === true ? [path] : reloadablePaths(node, path);
  });
}
