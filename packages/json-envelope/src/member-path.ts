import { Buffer } from 'node:buffer';
import { EnvelopeOptionError } from './envelope-option-error.ts';

/** One chosen path, taken apart: `tools[].model` is the member `model` of each element of `tools`, `thread.type` the member `type` of `thread`. */
export interface MemberPath {
  readonly path: string;
  /** The member of the text's own object. */
  readonly name: string;
  /** What is read of that member: its value, its array's elements, a member of each element, or a member of its own object. */
  readonly of: 'value' | 'element' | 'element_member' | 'object_member';
  /** The member of each element for `element_member`, of the object for `object_member`. */
  readonly innerName: string | undefined;
}

const MAX_NAME_BYTES = 256;

/** Takes a path apart; throws an `EnvelopeOptionError` that says what a path looks like. */
export function parseMemberPath(path: string): MemberPath {
  const match = /^([^[\].]+)(\[\])?(?:\.([^[\].]+))?$/u.exec(path);
  const name = match?.[1];
  if (match === null || name === undefined || !isReadableName(name)) throw badPath(path);
  const innerName = match[3];
  if (innerName !== undefined && !isReadableName(innerName)) throw badPath(path);
  const isOfElements = match[2] !== undefined;
  const of = innerName === undefined ? (isOfElements ? 'element' : 'value') : isOfElements ? 'element_member' : 'object_member';
  return { path, name, of, innerName };
}

function isReadableName(name: string): boolean {
  return name.isWellFormed() && Buffer.byteLength(name) <= MAX_NAME_BYTES;
}

function badPath(path: string): EnvelopeOptionError {
  return new EnvelopeOptionError('invalid_option', `members must hold paths such as name, name[], name[].member or name.member, received ${JSON.stringify(path)}`);
}
