import { closeObjects, openObject } from '../messages-core/json-schema.ts';
import { invalidValue, member, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

/** Of these the name is a label and nothing more; `strict` is how the upstream always works. */
const SCHEMA_MEMBERS: ReadonlySet<string> = new Set(['name', 'schema', 'strict']);

/** Translates `response_format`: a schema goes upstream natively, never as a forced tool. */
export function translateResponseFormat(request: JsonObject, scope: TranslationScope): JsonObject | undefined {
  const value = member(request, 'response_format');
  if (value === undefined) return undefined;
  const format = requireObject(value, 'response_format');
  switch (requireString(format['type'], 'response_format.type')) {
    case 'text': return undefined;
    case 'json_object':
      if (scope.settings.jsonObjectFormat === 'reject') throw unsupported('response_format', 'json_object has no counterpart; use json_schema');
      scope.ignore('response_format');
      return undefined;
    case 'json_schema': {
      const described = requireObject(format['json_schema'], 'response_format.json_schema');
      scope.ignoreOthers(described, SCHEMA_MEMBERS, 'response_format.json_schema');
      const schema = requireObject(member(described, 'schema'), 'response_format.json_schema.schema');
      if (!scope.settings.capabilities.structuredOutputs) throw unsupported('response_format', 'this model has no structured outputs');
      const { schema: closed, isChanged, openAt } = closeObjects(schema);
      if (openAt !== undefined) throw openObject('response_format.json_schema.schema', openAt);
      if (isChanged) scope.ignore('response_format.json_schema.schema.additionalProperties');
      return { type: 'json_schema', schema: closed };
    }
    default: throw invalidValue('response_format.type', 'expected text, json_schema or json_object');
  }
}
