const SCRUBBED = /^(ANTHROPIC_|OPENAI_|CLAUDE_|PENSTOCK_|OTEL_|MODEL_CAPABILITIES_|NODE_TLS_REJECT_UNAUTHORIZED$|NODE_OPTIONS$)|_PROXY$/i;

/**
 * The environment for a child process of a test: no key, no proxy and no gateway setting is inherited, so that no test
 * can leave loopback or spend money. `extra` is added last.
 */
export function scrubbedEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !SCRUBBED.test(name)) environment[name] = value;
  }
  return { ...environment, ...extra };
}
