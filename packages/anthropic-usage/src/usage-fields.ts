import { sumIterations } from './iterations.ts';
import { asCount, asObject, asText, type JsonObject } from './json-values.ts';
import type { MessageTokens, MessageUsage } from './usage-result.ts';

/** Names of server tools are kept up to this many; the API has two. */
const MAX_SERVER_TOOLS = 16;

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
  #inferenceGeo: string | undefined;
  #speed: string | undefined;
  #serverTools: Map<string, number> | undefined;
  /** The total of `usage.iterations`, where there are any; then the top level does not hold all of it. */
  #iterations: MessageTokens | undefined;

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
    this.#inferenceGeo = asText(usage['inference_geo']) ?? this.#inferenceGeo;
    this.#speed = asText(usage['speed']) ?? this.#speed;
    if (usage['iterations'] !== undefined) this.#iterations = sumIterations(usage['iterations']) ?? this.#iterations;
    const serverTools = asObject(usage['server_tool_use']);
    if (serverTools !== undefined) this.#overwriteServerTools(serverTools);
  }

  read(): MessageUsage {
    const usage: { -readonly [Name in keyof MessageUsage]: MessageUsage[Name] } = {
      ...(this.#iterations ?? this.#readTopLevel()),
      serverToolRequests: this.#serverTools === undefined ? {} : Object.fromEntries(this.#serverTools),
    };
    if (this.#thinking !== undefined) usage.thinking = this.#thinking;
    if (this.#serviceTier !== undefined) usage.serviceTier = this.#serviceTier;
    if (this.#inferenceGeo !== undefined) usage.inferenceGeo = this.#inferenceGeo;
    if (this.#speed !== undefined) usage.speed = this.#speed;
    return usage;
  }

  #readTopLevel(): MessageTokens {
    // The total is always sent and may grow; its split may be absent or older. Without a split a write is a 5-minute one, the API's default.
    const total = this.#cacheWrites ?? this.#fiveMinutes + this.#oneHour;
    const cacheWrite1h = Math.min(this.#oneHour, total);
    return { input: this.#input, output: this.#output, cacheRead: this.#cacheRead, cacheWrite5m: total - cacheWrite1h, cacheWrite1h };
  }

  #overwriteServerTools(serverTools: JsonObject): void {
    this.#serverTools ??= new Map();
    for (const [name, value] of Object.entries(serverTools)) {
      const count = asCount(value);
      if (count !== undefined && name.length <= 64 && (this.#serverTools.has(name) || this.#serverTools.size < MAX_SERVER_TOOLS)) this.#serverTools.set(name, count);
    }
  }
}
