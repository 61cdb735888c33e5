import type { JsonObject } from '../json.ts';
import { apiIdentifier, type SeededRandom } from '../seeded-random.ts';
import type { PlannedBlock } from './message-plan.ts';
import { cutIntoPieces } from './prose.ts';

/** A text block that arrives in pieces. */
export function textBlock(text: string, random: SeededRandom): PlannedBlock {
  return { block: { type: 'text', text }, pieces: cutIntoPieces(text, random) };
}

/** A text block whose citations arrive before its text. */
export function citedTextBlock(text: string, citations: readonly JsonObject[], random: SeededRandom): PlannedBlock {
  return { block: { citations, type: 'text', text }, pieces: cutIntoPieces(text, random), citations };
}

/** A thinking block, signed at its end; with `isOmitted` the thinking itself is not shown and only the signature arrives. */
export function thinkingBlock(thinking: string, random: SeededRandom, isOmitted = false): PlannedBlock {
  const shown = isOmitted ? '' : thinking;
  return { block: { type: 'thinking', thinking: shown, signature: random.base64(300) }, pieces: cutIntoPieces(shown, random, 60) };
}

/** A thinking block whose content is encrypted. */
export function redactedThinkingBlock(random: SeededRandom): PlannedBlock {
  return { block: { type: 'redacted_thinking', data: random.base64(420) } };
}

/** A call of one of the client's own tools; the first piece of its JSON is empty, as it is on the wire. */
export function toolUseBlock(name: string, input: JsonObject, random: SeededRandom): PlannedBlock {
  const isEmpty = Object.keys(input).length === 0;
  return {
    block: { type: 'tool_use', id: apiIdentifier('toolu', random), name, input, caller: { type: 'direct' } },
    pieces: isEmpty ? [''] : ['', ...cutIntoPieces(spacedJson(input), random, 12)],
  };
}

/** A call that the API runs itself, and the identifier that its result refers to. */
export function serverToolUseBlock(name: string, input: JsonObject, random: SeededRandom): PlannedBlock & { readonly id: string } {
  const id = apiIdentifier('srvtoolu', random);
  return {
    id,
    block: { type: 'server_tool_use', id, name, input, caller: { type: 'direct' } },
    pieces: ['', ...cutIntoPieces(spacedJson(input), random, 12)],
  };
}

/** A block that arrives whole in `content_block_start`. */
export function wholeBlock(block: JsonObject): PlannedBlock {
  return { block };
}

/** JSON the way a model writes it: a space after each colon and comma. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${spacedJson(member)}`).join(', ')}}`;
}
