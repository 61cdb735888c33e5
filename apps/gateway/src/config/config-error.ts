/** Why a configuration could not be loaded. */
export type ConfigErrorCode = 'unreadable' | 'invalid_json' | 'invalid';

/** One thing that is wrong with a configuration. No field ever holds a secret value. */
export interface ConfigProblem {
  /** Where: `server.port`, `clients[0].name`; empty for the whole document. */
  readonly path: string;
  /** What is wanted there, to be read after "must be". */
  readonly expected: string;
  /** What was found: a short literal, or only its kind where it may be secret. */
  readonly received: string;
  /** The nearest known key, when an unknown one was found. */
  readonly suggestion?: string;
  /** The whole sentence. */
  readonly message: string;
}

/** A configuration that cannot be used, with every problem found in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly problems: readonly ConfigProblem[];
  /** The files that were read or looked for, absolute: a change in one of them may mend it. */
  readonly files: readonly string[];

  constructor(code: ConfigErrorCode, source: string, problems: readonly ConfigProblem[], files: readonly string[] = []) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(`The configuration (${source}) has ${count}:\n${problems.map(({ message }) => `  - ${message}`).join('\n')}`);
    this.code = code;
    this.problems = problems;
    this.files = files;
  }
}

/** Whether something thrown is a `ConfigError`. */
export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof ConfigError;
}

/** A problem with a value: "server.port must be a port, received -1". */
export function valueProblem(path: string, expected: string, received: string, explanation = ''): ConfigProblem {
  const where = path === '' ? 'the configuration' : path;
  return { path, expected, received, message: `${where} must be ${expected}, received ${received}${explanation === '' ? '' : `: ${explanation}`}` };
}

/** A problem with an unknown key: "server.prot is not a known key; did you mean server.port?". */
export function unknownKeyProblem(path: string, suggestion: string | undefined): ConfigProblem {
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  const problem = { path, expected: 'a known key', received: 'an unknown key', message: `${path} is not a known key${hint}` };
  return suggestion === undefined ? problem : { ...problem, suggestion };
}
