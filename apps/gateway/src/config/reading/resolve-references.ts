import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { valueProblem } from '../config-error.ts';
import { formatPath, hideQuery, isKeyLike } from '../problems/secret-fields.ts';
import type { ConfigProblem } from '../config-error.ts';

/** Where references are looked up. */
export interface ReferenceContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The directory that relative paths start from: the configuration file's. */
  readonly directory: string;
}

/** A document without references, what could not be resolved, and what was read on the way. */
export interface ResolvedDocument {
  readonly document: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Paths whose text came from elsewhere, so that it must not be shown. */
  readonly indirectPaths: ReadonlySet<string>;
  /** Absolute paths of the files that were named, for watching. */
  readonly files: readonly string[];
}

const REFERENCE = /\$\{([A-Za-z]+):([^}]*)\}/g;
const MAX_FILE_BYTES = 1_048_576;
const MAX_DEPTH = 64;
const LONGEST_PATH_SHOWN = 256;
/** Fields that hold PEM text or the path of a file with it. */
const PEM_FIELDS: ReadonlySet<PropertyKey> = new Set(['cert', 'key', 'client_ca', 'ca']);

/** Replaces `${env:NAME}` and `${file:PATH}` in every string, and PEM paths by the text they name. Never throws. */
export function resolveReferences(document: unknown, context: ReferenceContext): ResolvedDocument {
  const problems: ConfigProblem[] = [];
  const indirectPaths = new Set<string>();
  const files = new Set<string>();

  function visitText(text: string, path: readonly PropertyKey[]): string {
    // A client has no such field: `key`, written for `key_sha256`, is an unknown key and not a path.
    const isPath = PEM_FIELDS.has(path.at(-1) ?? '') && path[0] !== 'clients' && text !== '' && !text.includes('-----BEGIN ') && !text.includes('${');
    const template = isPath ? `\${file:${text}}` : text;
    return template.replaceAll(REFERENCE, (_whole, scheme: string, name: string) => {
      const found = lookUp(scheme, name, context);
      indirectPaths.add(formatPath(path));
      if (scheme === 'file') files.add(resolve(context.directory, name));
      if (typeof found === 'string') return found;
      problems.push(valueProblem(formatPath(path), found.expected, found.received));
      return '';
    });
  }

  function visit(value: unknown, path: readonly PropertyKey[]): unknown {
    if (typeof value === 'string') return visitText(value, path);
    if (typeof value !== 'object' || value === null || path.length > MAX_DEPTH) return value;
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    // fromEntries defines properties, so a key named __proto__ stays a key.
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item, [...path, key])]));
  }

  return { document: visit(document, []), problems, indirectPaths, files: [...files] };
}

function lookUp(scheme: string, name: string, context: ReferenceContext): string | Pick<ConfigProblem, 'expected' | 'received'> {
  if (scheme === 'env') {
    const value = Object.hasOwn(context.environment, name) ? context.environment[name] : undefined;
    return value ?? { expected: 'a reference to an environment variable that is set', received: `\${env:${hideQuery(name.slice(0, 64))}}` };
  }
  if (scheme === 'file') return readReferencedFile(resolve(context.directory, name), name);
  return { expected: 'text, ${env:NAME} or ${file:PATH}', received: `a reference of kind ${JSON.stringify(scheme.slice(0, 16))}` };
}

/** Names a file in a problem, unless the text is the secret itself instead of its path. */
function nameFile(name: string): string {
  return isKeyLike(name) || name.length > LONGEST_PATH_SHOWN ? 'a path (hidden: it looks like a secret)' : JSON.stringify(hideQuery(name));
}

function readReferencedFile(path: string, name: string): string | Pick<ConfigProblem, 'expected' | 'received'> {
  const expected = 'the path of a readable file of at most 1 MiB';
  try {
    const status = statSync(path);
    if (!status.isFile()) return { expected, received: `${nameFile(name)}, which is not a file` };
    if (status.size > MAX_FILE_BYTES) return { expected, received: `${nameFile(name)} of ${status.size} bytes` };
    // Secrets mounted as files usually end in a line break that is no part of them.
    return readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { expected, received: `${nameFile(name)} (${code})` };
  }
}
