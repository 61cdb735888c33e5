import { requireObject, unsupported, type JsonObject } from '../json/json-value.ts';
import { enforceableSchema } from './fit-schema.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The upstream's `output_config.format` for a schema that stands at `param`: it goes upstream natively, never as a forced tool. */
export function schemaFormat(value: unknown, param: string, scope: TranslationScope): JsonObject {
  const schema = requireObject(value, param);
  if (!scope.settings.capabilities.structuredOutputs) throw unsupported(scope.names.format, 'this model has no structured outputs');
  return { type: 'json_schema', schema: enforceableSchema(schema, { param, report: param }, scope) };
}

/** Any JSON object, without a schema: there is no counterpart. */
export function anyObjectFormat(scope: TranslationScope): undefined {
  if (scope.settings.jsonObjectFormat === 'reject') throw unsupported(scope.names.format, 'json_object has no counterpart; use json_schema');
  scope.ignore(scope.names.format);
}
