import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, valueProblem } from '../config-error.ts';
import { formatPath } from '../problems/secret-fields.ts';
import { repeatedKeys } from './repeated-keys.ts';
import { withoutComments } from './without-comments.ts';
import type { CommandLineFlags, Environment } from './overrides.ts';

const YAML_FILE = /\.ya?ml$/i;
const DEFAULT_FILE = 'config.json';
const MAX_FILE_BYTES = 4_194_304;

/** Which file to read: `--config`, else `PENSTOCK_CONFIG`, else `config.json` where there is one. */
export function findConfigFile(flags: CommandLineFlags, environment: Environment, workingDirectory: string): string | undefined {
  const named = flags.config ?? (environment['PENSTOCK_CONFIG']?.trim() || undefined);
  if (named !== undefined) return resolve(workingDirectory, named);
  const fallback = resolve(workingDirectory, DEFAULT_FILE);
  return existsSync(fallback) ? fallback : undefined;
}

/** Reads a configuration file as JSON, comments allowed; a `ConfigError` has the place where it is malformed, without a quotation, or the keys that it has twice. */
export function readConfigFile(path: string): unknown {
  return parseConfigText(readText(path), path);
}

/** The same of a text that was read already. */
export function parseConfigText(given: string, path: string): unknown {
  // Some editors begin a file with a byte order mark, which is invisible (RFC 8259 section 8.1 lets a reader ignore it).
  const text = withoutComments(given.replace(/^\ufeff/, ''));
  const document = parseJson(text, path);
  const repeated = repeatedKeys(text).map((keys) => valueProblem(formatPath(keys), 'one value', 'the same key twice'));
  if (repeated.length > 0) throw new ConfigError('invalid', path, repeated, [path]);
  return document;
}

function readText(path: string): string {
  let reason: string;
  try {
    const status = statSync(path);
    if (status.isFile() && status.size <= MAX_FILE_BYTES) return readFileSync(path, 'utf8');
    reason = status.isFile() ? `a file of ${status.size} bytes` : status.isDirectory() ? 'a folder' : 'something that is no regular file';
  } catch (error) {
    reason = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'no such file' : 'an unreadable file';
  }
  throw new ConfigError('unreadable', path, [valueProblem('', 'a readable file of at most 4 MiB', reason)], [path]);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's message quotes the text around the fault, which may be a key; only the place is taken from it.
    const place = /line \d+ column \d+/.exec(error instanceof Error ? error.message : '')?.[0] ?? locateFault(text);
    throw new ConfigError('invalid_json', path, [valueProblem('', YAML_FILE.test(path) ? 'JSON (YAML is not read)' : 'valid JSON', `malformed JSON${place === undefined ? '' : ` at ${place}`}`)], [path]);
  }
}

/**
 * Where the parser's message gives no place, the longest prefix that could still go on ends at the fault.
 * A prefix is hopeful while the parser only misses its end; that is monotonous, so it can be searched in halves.
 */
function locateFault(text: string): string | undefined {
  let hopeful = 0;
  let hopeless = text.length + 1;
  while (hopeless - hopeful > 1) {
    const middle = (hopeful + hopeless) >>> 1;
    if (couldGoOn(text.slice(0, middle))) hopeful = middle;
    else hopeless = middle;
  }
  const before = text.slice(0, hopeful).split('\n');
  return `line ${before.length} column ${(before.at(-1) ?? '').length + 1}`;
}

function couldGoOn(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /position (\d+)/.exec(message)?.[1];
    return /^Unexpected end|^Unterminated/.test(message) || (position !== undefined && Number(position) >= prefix.length);
  }
}
