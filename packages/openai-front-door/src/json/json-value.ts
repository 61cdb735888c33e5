import { FrontDoorError } from '../errors/front-door-error.ts';
import { asNumber, isKeptNumber } from './parse-json.ts';

/** A JSON object whose members are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isKeptNumber(value);
}

/** The own member of a JSON object; `null` counts as absent, as OpenAI has it. */
export function member(object: JsonObject, name: string): unknown {
  if (!Object.hasOwn(object, name)) return undefined;
  return object[name] ?? undefined;
}

function kindOf(value: unknown): string {
  if (isKeptNumber(value)) return 'a number';
  if (value === null || value === undefined) return 'null';
  return Array.isArray(value) ? 'an array' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** The 400 for a value of the wrong type; it names the field, never the value. */
export function invalidType(param: string, expected: string, value: unknown): FrontDoorError {
  if (value === undefined) return new FrontDoorError('missing_required_parameter', `Missing required parameter: '${param}' (expected ${expected}).`, { param });
  return new FrontDoorError('invalid_type', `Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`, { param });
}

/** The 400 for a member whose absence has a known cause. */
export function missing(param: string, message: string): FrontDoorError {
  return new FrontDoorError('missing_required_parameter', `Missing required parameter: '${param}': ${message}.`, { param });
}

/** The 400 for a value that cannot be taken. */
export function invalidValue(param: string, message: string): FrontDoorError {
  return new FrontDoorError('invalid_value', `Invalid value for '${param}': ${message}.`, { param });
}

/** The 400 for a feature that has no counterpart upstream and whose absence would change the answer's meaning. */
export function unsupported(param: string, message: string): FrontDoorError {
  return new FrontDoorError('unsupported_parameter', `Unsupported parameter '${param}': ${message}.`, { param });
}

/** The value as an object, or the 400. */
export function requireObject(value: unknown, param: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw invalidType(param, 'an object', value);
}

/** The value as an array, or the 400. */
export function requireArray(value: unknown, param: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidType(param, 'an array', value);
}

/** The value as a string, or the 400. */
export function requireString(value: unknown, param: string): string {
  if (typeof value === 'string') return value;
  throw invalidType(param, 'a string', value);
}

/** A number where the member is present, or the 400. */
export function optionalNumber(object: JsonObject, name: string): number | undefined {
  const value = asNumber(member(object, name));
  if (value === undefined || typeof value === 'number') return value;
  throw invalidType(name, 'a number', value);
}

/** A boolean where the member is present, or the 400. */
export function optionalBoolean(object: JsonObject, name: string, param: string = name): boolean | undefined {
  const value = member(object, name);
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalidType(param, 'a boolean', value);
}
