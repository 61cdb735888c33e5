import type { MessageUsage } from './usage-result.ts';

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Names of server tools are kept up to this many; the API has two. */
const MAX_SERVER_TOOLS = 16;

/** A value as a JSON object, or `undefined`. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : undefined;
}

/** A value as a text of at most 256 characters, or `undefined`. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 256 ? value : undefined;
}

/** A value as a count of tokens or requests, or `undefined`. */
function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The `usage` of a message, put together field by field. One is made for each response: fixed fields, no tables. */
export class UsageFields {
  #input = 0;
  #output = 0;
  #cacheRead = 0;
  /** All cache writes, where they were told. */
  #cacheWrites: number | undefined;
  #fiveMinutes = 0;
  #oneHour = 0;
  #thinking: number | undefined;
  #serviceTier: string | undefined;
  #serverTools: Map<string, number> | undefined;

  /** Overwrites what the object names: the counts of the API are cumulative, never increments. */
  overwrite(usage: JsonObject): void {
    this.#input = asCount(usage['input_tokens']) ?? this.#input;
    this.#output = asCount(usage['output_tokens']) ?? this.#output;
    this.#cacheRead = asCount(usage['cache_read_input_tokens']) ?? this.#cacheRead;
    this.#cacheWrites = asCount(usage['cache_creation_input_tokens']) ?? this.#cacheWrites;
    const cacheCreation = asObject(usage['cache_creation']);
    this.#fiveMinutes = asCount(cacheCreation?.['ephemeral_5m_input_tokens']) ?? this.#fiveMinutes;
    this.#oneHour = asCount(cacheCreation?.['ephemeral_1h_input_tokens']) ?? this.#oneHour;
    this.#thinking = asCount(asObject(usage['output_tokens_details'])?.['thinking_tokens']) ?? this.#thinking;
    this.#serviceTier = asText(usage['service_tier']) ?? this.#serviceTier;
    const serverTools = asObject(usage['server_tool_use']);
    if (serverTools !== undefined) this.#overwriteServerTools(serverTools);
  }

  read(): MessageUsage {
    // The total is always sent and may grow; its split may be absent or older. Without a split a write is a 5-minute one, the API's default.
    const total = this.#cacheWrites ?? this.#fiveMinutes + this.#oneHour;
    const cacheWrite1h = Math.min(this.#oneHour, total);
    const usage: { -readonly [Name in keyof MessageUsage]: MessageUsage[Name] } = {
      input: this.#input,
      output: this.#output,
      cacheRead: this.#cacheRead,
      cacheWrite5m: total - cacheWrite1h,
      cacheWrite1h,
      serverToolRequests: this.#serverTools === undefined ? {} : Object.fromEntries(this.#serverTools),
    };
    if (this.#thinking !== undefined) usage.thinking = this.#thinking;
    if (this.#serviceTier !== undefined) usage.serviceTier = this.#serviceTier;
    return usage;
  }

  #overwriteServerTools(serverTools: JsonObject): void {
    this.#serverTools ??= new Map();
    for (const [name, value] of Object.entries(serverTools)) {
      const count = asCount(value);
      if (count !== undefined && name.length <= 64 && (this.#serverTools.has(name) || this.#serverTools.size < MAX_SERVER_TOOLS)) this.#serverTools.set(name, count);
    }
  }
}
