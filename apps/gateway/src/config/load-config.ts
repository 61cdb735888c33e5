import { dirname } from 'node:path';
import type { OptionType } from '@penstock/option-names';
import { checkOptions } from '../gateway-option-error.ts';
import { ConfigError } from './config-error.ts';
import { explainIssues, valueAt } from './problems/explain-issues.ts';
import { findCrossFieldProblems, ruleContext } from './problems/find-problems.ts';
import { findWarnings } from './problems/find-warnings.ts';
import { findRepeatedNames } from './problems/repeated-names.ts';
import { withEgressProxies } from './reading/egress-proxies.ts';
import { withStateStore } from './reading/state-store.ts';
import { gatewayConfigSchema } from './gateway-config.ts';
import { mergeModelCapabilities, readModelCapabilities } from './reading/model-capabilities.ts';
import { applyOverrides, collectOverrides, sourceOfOverride } from './reading/overrides.ts';
import { findConfigFile, readConfigFile } from './reading/read-config-file.ts';
import { shortFormProblems, withoutShortForm } from './reading/short-form.ts';
import { resolveReferences } from './reading/resolve-references.ts';
import { formatPath } from './problems/secret-fields.ts';
import { withoutPaths } from './problems/without-paths.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigPath } from './problems/explain-issues.ts';
import type { CommandLineFlags, Environment } from './reading/overrides.ts';
import type { GatewayConfig } from './gateway-config.ts';

/** What `loadConfig` reads from. */
export interface LoadConfigOptions {
  readonly argv: CommandLineFlags;
  readonly environment: Environment;
  readonly workingDirectory: string;
  /** The upstream will be the built-in simulator: `api_key` may be absent. @defaultValue false */
  readonly simulate?: boolean;
}

const OPTION_TYPES: Readonly<Record<keyof LoadConfigOptions, OptionType>> = Object.freeze({ argv: 'object', environment: 'object', workingDirectory: 'string', simulate: 'boolean?' });

/** A configuration that passed every check. */
export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** The file it was read from; undefined when there was none. */
  readonly sourcePath: string | undefined;
  /** The file and those it refers to, for watching. */
  readonly files: readonly string[];
  /** Things that work but are probably not meant, for the log. */
  readonly warnings: readonly string[];
  /** Whether it was checked for a run with the built-in simulator, which needs no key. */
  readonly simulate: boolean;
}

/** Reads and checks the configuration: flags over environment over file over defaults. Throws a `ConfigError` with every problem at once. */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  checkOptions(options, OPTION_TYPES);
  const { argv, environment, workingDirectory, simulate = false } = options;
  const sourcePath = findConfigFile(argv, environment, workingDirectory);
  const directory = sourcePath === undefined ? workingDirectory : dirname(sourcePath);
  const fromFile = sourcePath === undefined ? {} : readConfigFile(sourcePath);
  const { overrides, unused } = withoutShortForm(collectOverrides(environment, argv), fromFile);

  // A reference that an override replaces is not looked up; text from the environment is not searched for references.
  const resolved = resolveReferences(applyOverrides(fromFile, overrides.map((override) => ({ ...override, value: undefined }))), { environment, directory });
  const capabilities = readModelCapabilities(environment, directory);
  const document = mergeModelCapabilities(applyOverrides(resolved.document, overrides), capabilities.layers);

  const { config, problems, brokenPaths } = validate(document, {
    document,
    isIndirect: (path) => resolved.indirectPaths.has(path),
    sourceOf: (path) => sourceOfOverride(overrides, path),
  });
  // A reference that failed left an empty string behind, which is no second problem.
  const missing = new Set(resolved.problems.map(({ path }) => path));
  const all = [...resolved.problems, ...capabilities.problems, ...shortFormProblems(fromFile), ...problems.filter(({ path }) => !missing.has(path)), ...findRepeatedNames(document, brokenPaths)];
  const proxied = config === undefined ? undefined : withEgressProxies(withStateStore(config, directory), environment, simulate);
  if (proxied !== undefined) {
    all.push(...proxied.problems, ...findCrossFieldProblems(proxied.config, ruleContext(simulate), [...missing, ...brokenPaths]));
  }
  const files = [...(sourcePath === undefined ? [] : [sourcePath]), ...resolved.files, ...capabilities.files];
  if (all.length > 0 || proxied === undefined) throw new ConfigError('invalid', sourcePath ?? 'environment and flags', all, files);
  return { config: proxied.config, sourcePath, files, warnings: [...findWarnings(proxied.config, environment, { simulate, hasOwnPool: valueAt(document, ['anthropic_native', 'pool', 'max_connections']) !== undefined }), ...unused], simulate };
}

interface Validation {
  readonly config: GatewayConfig | undefined;
  readonly problems: readonly ConfigProblem[];
  readonly brokenPaths: readonly string[];
}

/**
 * Checks a document field by field. Where fields are bad, the configuration without them is returned beside the problems, so that
 * the rules between the good fields can be checked in the same run.
 */
function validate(document: unknown, context: Parameters<typeof explainIssues>[1]): Validation {
  const first = gatewayConfigSchema.safeParse(document);
  if (first.success) return { config: first.data, problems: [], brokenPaths: [] };
  const problems = explainIssues(first.error.issues, context);
  const badPaths = first.error.issues.flatMap((issue): ConfigPath[] =>
    (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]));
  // An unknown key breaks nothing beside itself.
  const brokenPaths = first.error.issues.filter(({ code }) => code !== 'unrecognized_keys').map(({ path }) => formatPath(path));
  return { config: parseWithout(document, badPaths), problems, brokenPaths };
}

/** The configuration without what stands at some paths. An object that lacks what it requires then goes as a whole, and so on outwards. */
function parseWithout(document: unknown, paths: readonly ConfigPath[]): GatewayConfig | undefined {
  const rest = withoutPaths(document, paths);
  const parsed = gatewayConfigSchema.safeParse(rest);
  if (parsed.success) return parsed.data;
  const outer = parsed.error.issues.map(({ path }) => path.slice(0, -1));
  return outer.some((path) => path.length === 0) ? undefined : parseWithout(rest, outer);
}
