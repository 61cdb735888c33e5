import { asNode, configJsonSchema, propertiesOf, reloadablePaths } from './config-json-schema.ts';
import { ENVIRONMENT_KEYS } from '../reading/overrides.ts';
import { CLIENT_ROUTES, groupsWith, type GroupTraits } from '../sections/route-groups.ts';
import type { JsonSchemaNode } from './config-json-schema.ts';

const INTRODUCTION = `# Configuration

<!-- Generated from the definition in apps/gateway/src/config; change that, then run vitest on test/config with --update. -->

One JSON file: \`--config FILE\`, else \`PENSTOCK_CONFIG\`, else \`config.json\` in the working directory if there is one. Without any,
the defaults below hold. Flags win over the environment, the environment over the file, the file over the defaults. Durations are in
seconds. \`penstock check\` validates a configuration and prints the one that would be used, with secrets masked; an unknown key or a
bad value stops the start, with every problem listed at once. Comments (\`//\`, \`/* */\`) and a comma after a last entry are accepted.

An editor that knows JSON Schema completes and checks the file with \`"$schema": "./apps/gateway/penstock.schema.json"\`.

## Secrets and references

Any string may hold \`\${env:NAME}\` (an environment variable) or \`\${file:PATH}\` (a file of at most 1 MiB, line breaks at its end
removed; relative paths start at the configuration file). Fields for certificates and keys take PEM text or a path. An unset variable or
an unreadable file is a problem, never an empty value. No problem, log line or printed configuration shows a secret.
`;

const EXAMPLE = `## Example

\`\`\`json
{
  "server": { "host": "0.0.0.0", "allowed_hosts": ["claude.example.com"], "trusted_proxies": ["10.0.0.0/8"], "pre_stop_delay": 5 },
  "anthropic_native": { "api_key": "\${file:/run/secrets/anthropic}", "pool": { "max_connections": 200 } },
  "clients": [
    {
      "name": "ci",
      "key_sha256": "9bfaa4cc7df84f1f0a8cd85bbbda2f7e8a55ba55a8ca5163af7dfa4a1f6a2a8a",
      "models": ["claude-haiku-*"],
      "limits": { "concurrent_requests": 10, "output_tokens_per_minute": 200000 }
    }
  ],
  "limits": { "store": "redis://:\${env:REDIS_PASSWORD}@redis:6379", "on_store_failure": "open" }
}
\`\`\`
`;

const groupNames = (trait: keyof GroupTraits): string => groupsWith(CLIENT_ROUTES, trait).map((group) => `\`${group}\``).join(', ');

const RULES = `## Rules between fields

- With \`credentials: "inject"\` and neither \`clients\` nor \`identity\` the gateway binds only loopback addresses; these open it to others. With \`identity\` no caller is anonymous.
- \`server.allowed_hosts\` must be given when \`server.host\` is not loopback; the host of \`identity.sign_in.public_url\` is one of them by itself.
- \`max_keepalive_connections\` is at most \`max_connections\`, and each worker needs a connection of its own.
- An upstream is reached by \`https:\`, except on loopback or with \`allow_insecure_base_url\`.
- \`credentials: "forward"\` sends clients' credentials only to anthropic.com, to loopback, or to \`trusted_credential_origin\`.
- An OAuth token (\`sk-ant-oat…\`) is no \`api_key\`: it belongs to one person, who sends it through \`forward\`.
- \`credentials: "forward"\` and \`identity\` exclude each other. Issuers have distinct names, and those with the same \`issuer\` distinct audiences; none is this gateway.
- Names of clients and policies are one namespace; one policy at most has an empty \`match\`, and \`clients[].policy\` and \`match.issuer\` name what exists.
- An upstream is never one of the gateway's own listeners.
- Names and key hashes of clients are distinct, and so are names of backends. The hash of a well-known word (\`test\`) is refused: that key is public. Several backends need \`models\`.
- With two or more clients, ${groupNames('isShared')} are closed to a client unless its
  \`routes\` names them: they share one Anthropic workspace. A client with \`models\` is refused where its models cannot be read
  (${groupNames('hidesModels')}).
`;

/** The reference of the configuration in Markdown: `docs/configuration.md`. */
export function configReference(): string {
  return [INTRODUCTION, environmentTable(), keyTables(), RULES, reloadList(), limitsPage(), EXAMPLE].join('\n');
}

function environmentTable(): string {
  return `## Environment and flags

| variable | sets |
|---|---|
${ENVIRONMENT_KEYS.map(([variable, key]) => `| \`${variable}\` | \`${key}\` |`).join('\n')}
| \`PENSTOCK_CONFIG\` | the configuration file |
| \`PENSTOCK_PLAIN\` | anything but \`0\`: nothing is done through private parts of Node, undici and prom-client for speed ([operations](operations.md#without-shortcuts)) |
| \`HTTPS_PROXY\`, \`ALL_PROXY\`, \`NO_PROXY\` (also in lower case, which wins), \`http_proxy\` (in lower case only) | \`proxy\` of \`anthropic_native\`, \`openai_front_door.backends[]\`, \`identity.issuers[]\`, \`identity.sign_in.oidc\` and \`telemetry.forward_to[]\` where it is absent |
| \`MODEL_CAPABILITIES_FILE\`, \`MODEL_CAPABILITIES_JSON\` | laid over \`openai_front_door.model_capabilities\`, in this order |

An empty variable sets nothing. Flags: \`--config\`, \`--host\`, \`--port\`, \`--operations-host\`, \`--operations-port\`, \`--log-level\`.
`;
}

function keyTables(): string {
  const sections = propertiesOf(configJsonSchema()).filter(([name]) => name !== '$schema');
  return `## Keys\n\n${sections.map(([name, node]) => {
    const entries = rows(name, node);
    const isList = node.items !== undefined;
    return `### \`${name}${isList ? '[]' : ''}\`\n\n${node.description ?? ''}\n\n| key | default | value | meaning |\n|---|---|---|---|\n${entries.join('\n')}\n`;
  }).join('\n')}`;
}

/** The rows of everything below a node; objects are opened, so that every row is one value. */
function rows(path: string, node: JsonSchemaNode): string[] {
  const entry = asNode(node.items);
  if (entry !== undefined && propertiesOf(entry).length > 0) return rows(`${path}[]`, entry);
  const values = asNode(node.additionalProperties);
  const open = values === undefined || propertiesOf(values).length === 0 ? propertiesOf(node) : [['NAME', values] as const];
  return open.flatMap(([name, child]) => {
    const below = rows(`${path}.${name}`, child);
    if (below.length > 0 && child.type === 'object' && name !== 'NAME') return below;
    const isRequired = node.required?.includes(name) === true && child.default === undefined;
    const own = `| \`${path}.${name}\` | ${isRequired ? 'required' : showDefault(child)} | ${showValue(child)} | ${(child.description ?? '').replaceAll('|', '\\|')} |`;
    return name === 'NAME' ? below : [own, ...below];
  });
}

function showDefault(node: JsonSchemaNode): string {
  return node.default === undefined ? '–' : `\`${JSON.stringify(node.default)}\``;
}

function showValue(node: JsonSchemaNode): string {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map((form) => (typeof form === 'object' ? showValue(form) : '')))].join(' or ');
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  const entry = asNode(node.items);
  if (entry !== undefined) return propertiesOf(entry).length > 0 ? 'list of objects' : `list of ${showValue(entry)}`;
  if (node.type !== 'number' && node.type !== 'integer') return typeof node.type === 'string' ? node.type : '';
  const least = node.exclusiveMinimum === undefined ? node.minimum : `above ${node.exclusiveMinimum}`;
  const bounds = [least, node.maximum].filter((bound) => bound !== undefined).join(' to ');
  return bounds === '' ? node.type : `${node.type}, ${bounds}`;
}

function reloadList(): string {
  return `## Reload

On SIGHUP, and when the file or one that it names changes, these take effect for new requests; running responses are untouched. Everything else keeps its value
and is reported as needing a restart. A file with problems is refused as a whole, and so is one whose new settings do not go together
with those that stay.

${reloadablePaths().map((path) => `- \`${path}\``).join('\n')}
`;
}

function limitsPage(): string {
  return `## Client limits

A refused request is a 429 with \`retry-after\`; nothing of it reaches the upstream. The native side and the front door count separately.

- \`concurrent_requests\` counts from admission to the end of the response body, however it ends.
- \`requests_per_minute\` counts in windows of a minute that start with a client's first request.
- \`input_tokens_per_minute\` and \`output_tokens_per_minute\` follow one rule on both sides. They count in windows of a minute that start with
  the first charge.
  - **Before a request is sent** it reserves its bound: \`max_tokens\` of the request, times \`n\`; of several bounds the largest; on \`/v1\`
    \`openai_front_door.max_output_tokens\` where it gives none (absent: the most that the model writes, of a relayed request 8192), on \`/anthropic\` the whole limit. Input is estimated at 4 bytes of the body
    a token. A reservation is never more than the whole limit, so a bound above the limit runs only while the client has nothing reserved
    and nothing used in its minute. Where there is no room the answer is a 429: \`retry-after: 1\` while other requests of the client hold
    the tokens, else the rest of the minute.
  - **When it has ended** the reservation becomes the usage that the answer reported. Without such a report (the client left, the stream
    was cut, an OpenAI stream without \`include_usage\`) it becomes an estimate of what passed: bytes of text over the bytes a token seen for
    the model, 4 until one was seen. It is never less than what was reported, and at most the bound of the request. An answer that is no
    stream and was left before it came counts 200 tokens for each second that the upstream worked on it. Requests that were not sent, and
    answers with an error status, cost nothing.
  - Tokens of compaction, advisors and fallbacks (\`usage.iterations\`) count like all others.
  - Requests whose tokens are spent after their answer are a 403 for a client with a token limit: batches, agent sessions and deployments;
    on \`/v1\` batches, fine-tuning, evals, videos, threads, and responses with \`background\`.

With \`limits.store: "memory"\` every process counts for itself, and workers divide each limit between them, which is approximate. With
Redis, all workers and replicas share exact counters, and what a crashed replica held comes back within 30 seconds. While Redis is
down or slower than 250 ms, \`on_store_failure\` decides: \`open\` lets the requests of limited clients pass, \`closed\` refuses them. After
three failures in a row it is left alone for a second at a time. Either way it is counted, no request waits longer, and clients without
limits never ask the store. Memory limits divided between workers are never less than one each.
`;
}
