import { isJsonObject, invalidValue, member, type JsonObject } from '../json/json-value.ts';
import { isKeptNumber, stringifyExactly } from '../json/parse-json.ts';
import { findRefusedReference, type ReferenceProblem } from './schema-references.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The formats of a string that can be enforced. */
const STRING_FORMATS: ReadonlySet<unknown> = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']);

/** A keyword that stays; `undefined` where its value cannot be enforced, so that it moves into the description. */
type Keeper = (value: unknown, schema: JsonObject, fit: Fitter, path: string) => unknown;
type Fitter = (value: unknown, path: string) => unknown;

const isText: Keeper = (value) => (typeof value === 'string' ? value : undefined);
const isPrimitive = (value: unknown): boolean => typeof value !== 'object' || value === null || isKeptNumber(value);
const schemas: Keeper = (value, _schema, fit, path) => (Array.isArray(value) ? value.map((item, index) => fit(item, `${path}[${index}]`)) : undefined);
const namedSchemas: Keeper = (value, _schema, fit, path) => {
  if (!isJsonObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fit(inner, `${path}.${name}`)]));
};

/** The keywords that can be enforced (https://platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations"). */
const KEEPERS: ReadonlyMap<string, Keeper> = new Map<string, Keeper>(Object.entries({
  type: (value) => (typeof value === 'string' || Array.isArray(value) ? value : undefined),
  title: isText,
  description: isText,
  enum: (value) => (Array.isArray(value) && value.length > 0 && value.every(isPrimitive) ? value : undefined),
  const: (value) => (isPrimitive(value) ? value : undefined),
  anyOf: schemas,
  // With a reference among several it is refused.
  allOf: (value, ...rest) => (Array.isArray(value) && value.some((item) => isJsonObject(item) && item['$ref'] !== undefined) ? undefined : schemas(value, ...rest)),
  $defs: namedSchemas,
  definitions: namedSchemas,
  properties: namedSchemas,
  additionalProperties: (value) => (value === false ? value : undefined),
  required: (value) => (Array.isArray(value) ? value : undefined),
  items: (value, _schema, fit, path) => (isJsonObject(value) ? fit(value, path) : undefined),
  minItems: (value) => (value === 0 || value === 1 ? value : undefined),
  format: (value, schema) => (schema['type'] === 'string' && STRING_FORMATS.has(value) ? value : undefined),
} satisfies Record<string, Keeper>));

/** Keywords that name a dialect or hold a note to the schema's reader. */
const SILENT: ReadonlySet<string> = new Set(['$schema', '$comment']);

/** What may stand beside a reference. */
const BESIDE_REFERENCE: ReadonlySet<string> = new Set(['$ref', '$defs', 'definitions']);

/** Whether a schema describes an object: by its type, one of its types, or the members it lists. */
function isObjectSchema(schema: JsonObject): boolean {
  const type = member(schema, 'type');
  if (Array.isArray(type)) return type.includes('object');
  return typeof type === 'string' ? type === 'object' : isJsonObject(member(schema, 'properties'));
}

/** Whether an object is described by its further members, so that it would be nothing without them. */
function mustBeOpen(schema: JsonObject): boolean {
  const further = member(schema, 'additionalProperties');
  if (further === undefined || further === false) return false;
  const properties = member(schema, 'properties');
  const isAny = further === true || (isJsonObject(further) && Object.keys(further).length === 0);
  return !isAny || !isJsonObject(properties) || Object.keys(properties).length === 0;
}

/** A reference with a description beside it, as pydantic writes it; `allOf` takes no reference upstream, `anyOf` does. */
function isSingleReference(keyword: string, value: unknown, given: JsonObject): boolean {
  return keyword === 'allOf' && Array.isArray(value) && value.length === 1 && isJsonObject(value[0]) && typeof value[0]['$ref'] === 'string' && !Object.hasOwn(given, 'anyOf') && !Object.hasOwn(given, 'oneOf');
}

/** What fitting a schema changed. */
export interface FittedSchema {
  readonly schema: JsonObject;
  /** The keywords that were moved or filled in, each once. */
  readonly changed: ReadonlySet<string>;
  /** Where an object is described by members of any name, as a path such as `.properties.a`; it cannot be enforced. */
  readonly openAt: string | undefined;
}

/**
 * Fits a schema to what the upstream can enforce, as Anthropic's own SDKs do (`transformJSONSchema`): a keyword that it refuses moves into the
 * description, where the model reads it, `oneOf` becomes `anyOf`, a reference stands alone, and every object is closed. What it takes stays as it came.
 */
export function fitSchema(schema: JsonObject): FittedSchema {
  const changed = new Set<string>();
  let openAt: string | undefined;
  const fitReference = (given: JsonObject, path: string): JsonObject => Object.fromEntries(Object.entries(given).flatMap(([keyword, value]) => {
    if (BESIDE_REFERENCE.has(keyword)) return [[keyword, keyword === '$ref' ? value : namedSchemas(value, given, fit, `${path}.${keyword}`) ?? {}]];
    if (!SILENT.has(keyword)) changed.add(keyword);
    return [];
  }));
  const fit: Fitter = (given, path) => {
    if (!isJsonObject(given)) return given;
    if (typeof member(given, '$ref') === 'string') return fitReference(given, path);
    const isObject = isObjectSchema(given);
    const kept = new Map<string, unknown>();
    const moved: string[] = [];
    for (const [keyword, value] of Object.entries(given)) {
      if (SILENT.has(keyword) || (isObject && keyword === 'additionalProperties')) continue;
      const isAlternative: boolean = isSingleReference(keyword, value, given) || (keyword === 'oneOf' && !Object.hasOwn(given, 'anyOf'));
      const name: string = isAlternative ? 'anyOf' : keyword;
      const fitted = KEEPERS.get(name)?.(value, given, fit, `${path}.${keyword}`);
      if (fitted === undefined || isAlternative) changed.add(keyword);
      if (fitted === undefined) moved.push(`${keyword}: ${stringifyExactly(value)}`);
      else kept.set(name, fitted);
    }
    if (moved.length > 0) {
      const description = kept.get('description');
      kept.set('description', `${typeof description === 'string' ? `${description}\n\n` : ''}{${moved.join(', ')}}`);
    }
    if (isObject) {
      if (mustBeOpen(given)) openAt ??= path;
      if (given['additionalProperties'] !== false) changed.add('additionalProperties');
      kept.set('additionalProperties', false);
    }
    return Object.fromEntries(kept);
  };
  return { schema: fit(schema, '') as JsonObject, changed, openAt };
}

/** A path is as long as the client's own names are. */
const LONGEST_PATH = 200;

const REFERENCE_PROBLEMS: Readonly<Record<ReferenceProblem, string>> = {
  elsewhere: 'a schema that is enforced cannot refer to another document: put the definition into $defs',
  nowhere: 'the reference points to nothing in the schema',
  recursive: 'a schema that is enforced cannot contain itself: write out as many levels as are needed',
};

/** A schema that stands at `param`, fitted; each change is reported as `report` and the keyword. Throws the 400 for an object that cannot be closed, and for a reference that cannot be enforced. */
export function enforceableSchema(given: JsonObject, { param, report }: { readonly param: string; readonly report: string }, scope: TranslationScope): JsonObject {
  const { schema, changed, openAt } = fitSchema(given);
  if (openAt !== undefined) {
    throw invalidValue(`${param}${openAt.slice(0, LONGEST_PATH)}`, 'a schema that is enforced cannot have members of any name: list the properties, or use an array of objects with a name and a value');
  }
  const refused = findRefusedReference(schema);
  if (refused !== undefined) throw invalidValue(`${param}${refused.at.replaceAll('/', '.').slice(0, LONGEST_PATH)}.$ref`, REFERENCE_PROBLEMS[refused.problem]);
  for (const keyword of changed) scope.ignore(`${report}.${keyword}`);
  return schema;
}
