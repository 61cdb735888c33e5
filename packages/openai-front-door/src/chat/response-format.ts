import { invalidValue, member, requireObject, requireString, type JsonObject } from '../json/json-value.ts';
import { anyObjectFormat, schemaFormat } from '../messages-core/output-format.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

/** Of these the name is a label and nothing more; `strict` is how the upstream always works. */
const SCHEMA_MEMBERS: ReadonlySet<string> = new Set(['name', 'schema', 'strict']);

/** Translates `response_format`. */
export function translateResponseFormat(request: JsonObject, scope: TranslationScope): JsonObject | undefined {
  const value = member(request, 'response_format');
  if (value === undefined) return undefined;
  const format = requireObject(value, 'response_format');
  switch (requireString(format['type'], 'response_format.type')) {
    case 'text': return undefined;
    case 'json_object': return anyObjectFormat(scope);
    case 'json_schema': {
      const described = requireObject(format['json_schema'], 'response_format.json_schema');
      scope.ignoreOthers(described, SCHEMA_MEMBERS, 'response_format.json_schema');
      return schemaFormat(member(described, 'schema'), 'response_format.json_schema.schema', scope);
    }
    default: throw invalidValue('response_format.type', 'expected text, json_schema or json_object');
  }
}
