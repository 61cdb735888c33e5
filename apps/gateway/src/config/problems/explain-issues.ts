import { nearestName } from '@penstock/option-names';
import type { z } from 'zod';
import { unknownKeyProblem, valueProblem } from '../config-error.ts';
import { configJsonSchema, pathsEndingIn, propertiesOf, schemaAt } from '../reference/config-json-schema.ts';
import { formatPath, isSecretField, nameReceived } from './secret-fields.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { JsonSchemaNode } from '../reference/config-json-schema.ts';

const MOST_SUGGESTED = 2;
/** A suggestion takes a millisecond, and a reload must not stop the gateway for seconds: a file with more unknown keys is not mistyped. */
const MOST_KEYS_EXPLAINED = 100;

/** Made when the first unknown key is met: it takes milliseconds, and most configurations never need it. */
let schemaOfKeys: JsonSchemaNode | undefined;

/** A path into the file, step by step. */
export type ConfigPath = readonly PropertyKey[];

/** What `explainIssues` must know of the document beside zod's issues. */
export interface IssueContext {
  readonly document: unknown;
  /** Whether the string at a path came from a reference or the environment, so that it must not be shown. */
  readonly isIndirect: (path: string) => boolean;
  /** The environment variable or flag that set a path. */
  readonly sourceOf: (path: string) => string | undefined;
}

/** What stands at a path of a document. */
export function valueAt(document: unknown, path: ConfigPath): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return value;
}

/** Turns zod's issues into problems: one a place, with a suggestion for every unknown key. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], context: IssueContext): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  for (const issue of issues) {
    for (const problem of explainIssue(withoutUnion(issue), context)) {
      // A value that fails two checks fails one expectation; the first sentence covers it.
      if (!problems.has(problem.path)) problems.set(problem.path, problem);
    }
  }
  return [...problems.values()];
}

/** Of a value that may have several forms, the problem of the form that it has; the problem as it is where it has none of them. */
function withoutUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  // Neither is a fixed value that it is not its form.
  const found = issue.errors.find((issues) => issues.every(({ code, path }) => (code !== 'invalid_type' && code !== 'invalid_value') || path.length > 0))?.[0];
  return found === undefined ? issue : withoutUnion({ ...found, path: [...issue.path, ...found.path] });
}

function explainIssue(issue: z.core.$ZodIssue, context: IssueContext): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key, index) =>
      unknownKeyProblem(formatPath([...issue.path, key]), index < MOST_KEYS_EXPLAINED ? suggestKey(issue.path, key) : undefined));
  }
  const path = formatPath(issue.path);
  // zod words the problem of a bad record key itself, and repeats it there; what is wrong with the key stands inside.
  if (issue.code === 'invalid_key') return [valueProblem(path, `named by ${issue.issues[0]?.message ?? 'a usable name'}`, 'an unusable name')];
  const mayBeSecret = issue.path.some(isSecretField) || context.isIndirect(path);
  const source = context.sourceOf(path);
  const received = nameReceived(valueAt(context.document, issue.path), mayBeSecret);
  return [valueProblem(path, issue.message, source === undefined ? received : `${received} from ${source}`)];
}

function suggestKey(path: ConfigPath, key: string): string | undefined {
  schemaOfKeys ??= configJsonSchema();
  const schema = schemaOfKeys;
  const near = nearestName(key, propertiesOf(schemaAt(schema, path) ?? {}).map(([name]) => name));
  if (near !== undefined) return formatPath([...path, near]);
  const elsewhere = pathsEndingIn(schema, key);
  return elsewhere.length > 0 && elsewhere.length <= MOST_SUGGESTED ? elsewhere.join(' or ') : undefined;
}
