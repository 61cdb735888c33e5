import { invalidValue, member, requireObject, requireString, type JsonObject } from '../json/json-value.ts';
import { anyObjectFormat, schemaFormat } from '../messages-core/output-format.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

const TEXT_MEMBERS: ReadonlySet<string> = new Set(['format', 'verbosity']);
/** Of these the name is a label and nothing more; `strict` is how the upstream always works. */
const FORMAT_MEMBERS: ReadonlySet<string> = new Set(['type', 'name', 'schema', 'strict', 'description']);

/** Translates `text`: the format of the answer. A verbosity has no counterpart, and the usual one asks for nothing. */
export function translateTextFormat(request: JsonObject, scope: TranslationScope): JsonObject | undefined {
  const value = member(request, 'text');
  if (value === undefined) return undefined;
  const text = requireObject(value, 'text');
  scope.ignoreOthers(text, TEXT_MEMBERS, 'text');
  const verbosity = member(text, 'verbosity');
  if (verbosity !== undefined && verbosity !== 'medium') scope.ignore('text.verbosity');
  const given = member(text, 'format');
  if (given === undefined) return undefined;
  const format = requireObject(given, 'text.format');
  switch (requireString(format['type'], 'text.format.type')) {
    case 'text': return undefined;
    case 'json_object': return anyObjectFormat(scope);
    case 'json_schema':
      scope.ignoreOthers(format, FORMAT_MEMBERS, 'text.format');
      return schemaFormat(member(format, 'schema'), 'text.format.schema', scope);
    default: throw invalidValue('text.format.type', 'expected text, json_schema or json_object');
  }
}
