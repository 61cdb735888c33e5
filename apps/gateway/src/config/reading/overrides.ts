import { formatPath } from '../problems/secret-fields.ts';

/** The environment as the process has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Command line flags, as text; an absent one sets nothing. */
export interface CommandLineFlags {
  readonly config?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | number | undefined;
  readonly operationsHost?: string | undefined;
  readonly operationsPort?: string | number | undefined;
  readonly logLevel?: string | undefined;
}

/** One value that the environment or a flag puts over the file. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** The variable or flag it came from, for problems. */
  readonly source: string;
}

interface Setting {
  readonly path: readonly string[];
  readonly variable?: string;
  readonly flag?: Exclude<keyof CommandLineFlags, 'config'>;
  readonly isNumber?: true;
}

/** What the environment and the flags may set. */
const SETTINGS: readonly Setting[] = [
  { path: ['anthropic_native', 'api_key'], variable: 'ANTHROPIC_API_KEY' },
  { path: ['anthropic_native', 'base_url'], variable: 'ANTHROPIC_BASE_URL' },
  { path: ['anthropic_native', 'version'], variable: 'ANTHROPIC_VERSION' },
  { path: ['server', 'host'], variable: 'PENSTOCK_HOST', flag: 'host' },
  { path: ['server', 'port'], variable: 'PENSTOCK_PORT', flag: 'port', isNumber: true },
  { path: ['operations', 'host'], variable: 'PENSTOCK_OPERATIONS_HOST', flag: 'operationsHost' },
  { path: ['operations', 'port'], variable: 'PENSTOCK_OPERATIONS_PORT', flag: 'operationsPort', isNumber: true },
  { path: ['operations', 'token'], variable: 'PENSTOCK_OPERATIONS_TOKEN' },
  { path: ['log', 'level'], variable: 'PENSTOCK_LOG_LEVEL', flag: 'logLevel' },
];

/**
 * Kubernetes and Docker links set `NAME_PORT=tcp://10.96.12.7:80` in each container for each service
 * (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables), so a service named penstock sets ours.
 */
const SERVICE_LINK = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Environment variables that set one key each, and the key. An empty variable sets nothing. */
export const ENVIRONMENT_KEYS: readonly (readonly [variable: string, key: string])[] = SETTINGS.flatMap(
  ({ variable, path }) => (variable === undefined ? [] : [[variable, path.join('.')] as const]),
);

/** The values that the environment and, over it, the flags put over the file. */
export function collectOverrides(environment: Environment, flags: CommandLineFlags): Override[] {
  return SETTINGS.flatMap(({ path, variable, flag, isNumber }) => {
    const given = [
      { value: flag === undefined ? undefined : flags[flag], source: `--${(flag ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` },
      { value: variable === undefined ? undefined : readVariable(environment, variable, isNumber === true), source: variable ?? '' },
    ].find(({ value }) => value !== undefined);
    if (given === undefined) return [];
    return [{ path, source: given.source, value: isNumber === true ? toNumber(given.value) : given.value }];
  });
}

/** Compose files and charts pass empty variables for absent values. */
function readVariable(environment: Environment, variable: string, isPort: boolean): string | undefined {
  const value = environment[variable]?.trim() ?? '';
  return value === '' || (isPort && SERVICE_LINK.test(value)) ? undefined : value;
}

/** Variables of ports that a container runtime set to the address of a service, and that therefore set nothing. */
export function serviceLinks(environment: Environment): string[] {
  return SETTINGS.flatMap(({ variable, isNumber }) => (isNumber === true && variable !== undefined && SERVICE_LINK.test(environment[variable]?.trim() ?? '') ? [variable] : []));
}

function toNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
}

/** A copy of a document with the overrides put in; parts of it that are no objects are left for validation to name. */
export function applyOverrides(document: unknown, overrides: readonly Override[]): unknown {
  if (!isFields(document)) return document;
  const copy: Record<string, unknown> = { ...document };
  for (const { path, value } of overrides) {
    const [section = '', key = ''] = path;
    const fields = Object.hasOwn(copy, section) ? copy[section] : {};
    if (isFields(fields)) copy[section] = { ...fields, [key]: value };
  }
  return copy;
}

/** The variable or flag behind a path, if one set it. */
export function sourceOfOverride(overrides: readonly Override[], path: string): string | undefined {
  return overrides.find((override) => formatPath(override.path) === path)?.source;
}

/** Whether a value is a JSON object, neither null nor a list. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
