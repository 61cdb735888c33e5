import { dirname } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../config/config-error.ts';
import { explainIssues } from '../../config/problems/explain-issues.ts';
import { parseConfigText } from '../../config/reading/read-config-file.ts';
import { resolveReferences } from '../../config/reading/resolve-references.ts';
import { isFields, type Environment } from '../../config/reading/overrides.ts';
import { clientsSection, type ClientConfig } from '../../config/sections/clients-section.ts';

/** The clients of a file: as they are, and as they stand there, references unresolved. Both have the same entries in the same order. */
export interface ReadClients {
  readonly clients: readonly ClientConfig[];
  readonly written: readonly ClientConfig[];
}

const document = z.object({ clients: clientsSection.prefault([]) }, 'a JSON object');

/**
 * Reads `clients` alone: who may call can be changed where the key for the API is not at hand. Throws a `ConfigError`.
 */
export function readClients(text: string, path: string, environment: Environment): ReadClients {
  const whole = text.trim() === '' ? {} : parseConfigText(text, path);
  if (!isFields(whole)) throw new ConfigError('invalid', path, explainIssues(document.safeParse(whole).error?.issues ?? [], contextOf(whole)), [path]);
  const written = { clients: whole['clients'] ?? [] };
  const resolved = resolveReferences(written, { environment, directory: dirname(path) });
  const parsed = document.safeParse(resolved.document);
  const problems = [...resolved.problems, ...(parsed.success || resolved.problems.length > 0 ? [] : explainIssues(parsed.error.issues, contextOf(resolved.document)))];
  if (!parsed.success || problems.length > 0) throw new ConfigError('invalid', path, problems, [path]);
  return { clients: parsed.data.clients, written: written.clients as readonly ClientConfig[] };
}

function contextOf(value: unknown): Parameters<typeof explainIssues>[1] {
  return { document: value, isIndirect: () => false, sourceOf: () => undefined };
}
