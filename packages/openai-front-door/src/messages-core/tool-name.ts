import { invalidValue, requireString } from '../json/json-value.ts';

/** What the upstream takes as a tool name; its documentation says 64 characters, its live error 128. */
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** A tool name as it came, or the 400: names are never rewritten, or the client could not find its own tool. */
export function requireToolName(value: unknown, param: string): string {
  const name = requireString(value, param);
  if (!TOOL_NAME.test(name)) throw invalidValue(param, 'a tool name must be 1 to 128 letters, digits, _ or -');
  return name;
}
