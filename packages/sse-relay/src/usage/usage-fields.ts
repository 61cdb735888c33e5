import type { MessageUsage } from './usage-result.ts';

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Names of server tools are kept up to this many; the API has two. */
const MAX_SERVER_TOOLS = 16;

/** A value as a JSON object, or `undefined`. */
export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** A value as a text of at most 256 characters, or `undefined`. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 256 ? value : undefined;
}

/** The `usage` of a message, put together field by field. */
export interface UsageFields {
  /** Overwrites what the object names: the counts of the API are cumulative, never increments. */
  overwrite(usage: JsonObject): void;
  read(): MessageUsage;
}

/** Creates fields that are all zero. */
export function createUsageFields(): UsageFields {
  const counts = new Map<string, number>();
  const serverTools = new Map<string, number>();
  let serviceTier: string | undefined;
  const take = (source: JsonObject | undefined, name: string): void => {
    const value = source?.[name];
    if (isCount(value)) counts.set(name, value);
  };
  const count = (name: string): number => counts.get(name) ?? 0;
  return {
    overwrite: (usage) => {
      for (const name of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']) take(usage, name);
      const cacheCreation = asObject(usage['cache_creation']);
      take(cacheCreation, 'ephemeral_5m_input_tokens');
      take(cacheCreation, 'ephemeral_1h_input_tokens');
      take(asObject(usage['output_tokens_details']), 'thinking_tokens');
      serviceTier = asText(usage['service_tier']) ?? serviceTier;
      for (const [name, value] of Object.entries(asObject(usage['server_tool_use']) ?? {})) {
        if (isCount(value) && name.length <= 64 && (serverTools.has(name) || serverTools.size < MAX_SERVER_TOOLS)) serverTools.set(name, value);
      }
    },
    read: () => {
      const thinking = counts.get('thinking_tokens');
      return {
        input: count('input_tokens'),
        output: count('output_tokens'),
        cacheRead: count('cache_read_input_tokens'),
        ...splitCacheWrites(counts),
        ...(thinking === undefined ? {} : { thinking }),
        serverToolRequests: Object.fromEntries(serverTools),
        ...(serviceTier === undefined ? {} : { serviceTier }),
      };
    },
  };
}

/** The total is always sent and may grow; its split may be absent or older. Without a split a write is a 5-minute one, the API's default. */
function splitCacheWrites(counts: ReadonlyMap<string, number>): Pick<MessageUsage, 'cacheWrite5m' | 'cacheWrite1h'> {
  const fiveMinutes = counts.get('ephemeral_5m_input_tokens') ?? 0;
  const oneHour = counts.get('ephemeral_1h_input_tokens') ?? 0;
  const total = counts.get('cache_creation_input_tokens') ?? fiveMinutes + oneHour;
  const cacheWrite1h = Math.min(oneHour, total);
  return { cacheWrite5m: total - cacheWrite1h, cacheWrite1h };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
