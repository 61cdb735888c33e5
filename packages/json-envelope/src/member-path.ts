import { Buffer } from 'node:buffer';

/** One chosen path, taken apart: `tools[].model` is the member `model` of each element of `tools`. */
export interface MemberPath {
  readonly path: string;
  /** The member of the text's own object. */
  readonly name: string;
  /** What is read of that member: its value, its array's elements, or a member of each element. */
  readonly of: 'value' | 'element' | 'element_member';
  /** The member of each element, for `element_member`. */
  readonly elementName: string | undefined;
}

const MAX_NAME_BYTES = 256;

/** Takes a path apart; throws a `TypeError` that says what a path looks like. */
export function parseMemberPath(path: string): MemberPath {
  const match = /^([^[\].]+)(\[\](?:\.([^[\].]+))?)?$/u.exec(path);
  const name = match?.[1];
  if (match === null || name === undefined || !isReadableName(name)) throw badPath(path);
  const elementName = match[3];
  if (elementName !== undefined && !isReadableName(elementName)) throw badPath(path);
  const of = match[2] === undefined ? 'value' : elementName === undefined ? 'element' : 'element_member';
  return { path, name, of, elementName };
}

function isReadableName(name: string): boolean {
  return name.isWellFormed() && Buffer.byteLength(name) <= MAX_NAME_BYTES;
}

function badPath(path: string): TypeError {
  return new TypeError(`members must hold paths such as name, name[] or name[].member, received ${JSON.stringify(path)}`);
}
