import type { Check } from './schema-checks.ts';
import type { ValidationHeaders } from './validation-headers.ts';

/** The first version of the API that knows no sampling parameters. */
export const STRICT_VERSION = '2026-10-21';

const VERSION_PATTERN = /^\d{4}-\d{2}-\d{2}$/;
const BETA_PATTERN = /^[a-z][a-z0-9.]*(?:-[a-z0-9.]+)*-(?:\d{4}-\d{2}-\d{2}|\d{8})$/;

/** Refuses a version that is no date and a beta whose name does not end in one. */
export function checkHeaders(headers: ValidationHeaders): Check {
  const version = headers['anthropic-version'];
  if (version !== undefined && !VERSION_PATTERN.test(version)) return `anthropic-version: ${JSON.stringify(version)} is not a valid version`;
  const unexpected = betasOf(headers).filter((beta) => !BETA_PATTERN.test(beta));
  if (unexpected.length === 0) return undefined;
  return `Unexpected value(s) ${unexpected.map((beta) => `\`${beta}\``).join(', ')} for the \`anthropic-beta\` header. Please consult our documentation at docs.claude.com or try again without the header.`;
}

/** The betas of a request, in order. */
export function betasOf(headers: ValidationHeaders): readonly string[] {
  return (headers['anthropic-beta'] ?? '').split(',').map((beta) => beta.trim()).filter((beta) => beta !== '');
}

/** Whether the request speaks a version from 2026-10-21 on. */
export function isStrictVersion(headers: ValidationHeaders): boolean {
  return (headers['anthropic-version'] ?? '') >= STRICT_VERSION;
}
