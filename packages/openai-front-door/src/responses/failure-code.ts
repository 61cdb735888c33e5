import type { OpenAiErrorBody } from '../errors/openai-error-body.ts';

/** The codes by which clients decide whether to ask again. */
const CODES: ReadonlySet<unknown> = new Set(['server_error', 'rate_limit_exceeded', 'server_is_overloaded', 'context_length_exceeded', 'insufficient_quota']);

/** The code of an upstream's or the gateway's error that has another name, by its type or code. */
const CODE_OF: Readonly<Record<string, string>> = {
  rate_limit_error: 'rate_limit_exceeded',
  rate_limited: 'rate_limit_exceeded',
  overloaded: 'rate_limit_exceeded',
  overloaded_error: 'server_is_overloaded',
  billing_error: 'insufficient_quota',
};

function known(name: string | null): string | undefined {
  if (name === null) return undefined;
  if (CODES.has(name)) return name;
  return Object.hasOwn(CODE_OF, name) ? CODE_OF[name] : undefined;
}

/** The `error.code` of a response that fails after it began. */
export function failureCode({ code, type }: OpenAiErrorBody['error']): string {
  return known(code) ?? known(type) ?? 'server_error';
}
