import type { FrontDoorError } from '../errors/front-door-error.ts';
import { invalidValue, isJsonObject, member, type JsonObject } from '../json/json-value.ts';

/** Keywords whose value is a schema. */
const SCHEMA_KEYWORDS: ReadonlySet<string> = new Set(['items', 'contains', 'not', 'if', 'then', 'else', 'propertyNames', 'unevaluatedItems', 'additionalItems']);
/** Keywords whose value is a list of schemas. */
const LIST_KEYWORDS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems', 'items']);
/** Keywords whose value is an object of schemas, by names of the client's own. */
const NAMED_KEYWORDS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions', 'patternProperties', 'dependentSchemas']);

/** Whether a schema describes an object: by its type, one of its types, or the members it lists. */
function isObjectSchema(schema: JsonObject): boolean {
  const type = member(schema, 'type');
  if (type === undefined) return member(schema, 'properties') !== undefined;
  return type === 'object' || (Array.isArray(type) && type.includes('object'));
}

/** What closing a schema found. */
export interface ClosedSchema {
  readonly schema: JsonObject;
  /** Whether `additionalProperties: false` was added anywhere. */
  readonly isChanged: boolean;
  /** Where an object stays open, as a path such as `.properties.a`; the upstream refuses it. */
  readonly openAt: string | undefined;
}

/**
 * Adds `additionalProperties: false` to every object of a schema that does not say what further members it takes: the upstream demands it of
 * schemas that it enforces, as OpenAI does where `strict` is true. An object that demands to be open stays as it is. Nothing else changes.
 */
export function closeObjects(schema: JsonObject): ClosedSchema {
  let isChanged = false;
  let openAt: string | undefined;
  const closeMembers = (named: unknown, path: string): unknown => {
    if (!isJsonObject(named)) return named;
    return Object.fromEntries(Object.entries(named).map(([name, value]) => [name, close(value, `${path}.${name}`)]));
  };
  const close = (value: unknown, path: string): unknown => {
    if (!isJsonObject(value)) return value;
    const closed: [string, unknown][] = Object.entries(value).map(([keyword, inner]) => {
      const at = `${path}.${keyword}`;
      if (NAMED_KEYWORDS.has(keyword)) return [keyword, closeMembers(inner, at)];
      if (LIST_KEYWORDS.has(keyword) && Array.isArray(inner)) return [keyword, inner.map((item, index) => close(item, `${at}[${index}]`))];
      return [keyword, SCHEMA_KEYWORDS.has(keyword) ? close(inner, at) : inner];
    });
    const further = member(value, 'additionalProperties');
    if (isObjectSchema(value) && further !== false) {
      if (further === undefined) {
        isChanged = true;
        // A null in its place asks for nothing.
        return Object.fromEntries([...closed.filter(([keyword]) => keyword !== 'additionalProperties'), ['additionalProperties', false]]);
      }
      openAt ??= path;
    }
    return Object.fromEntries(closed);
  };
  return { schema: close(schema, '') as JsonObject, isChanged, openAt };
}

/** A path is as long as the client's own names are. */
const LONGEST_PATH = 200;

/** The 400 for an object that demands to be open in a schema that is enforced. */
export function openObject(param: string, openAt: string): FrontDoorError {
  return invalidValue(`${param}${openAt.slice(0, LONGEST_PATH)}`, 'an object of a schema that is enforced takes no further members: additionalProperties must be false');
}
