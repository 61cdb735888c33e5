import { isJsonObject, type JsonObject } from '../json/json-value.ts';

/** A model as OpenAI lists it; an OpenAI-compatible origin's own may have more members. */
export type ModelObject = JsonObject & { readonly id: string };

function bound(name: string, value: unknown): JsonObject {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? { [name]: value } : {};
}

/**
 * A model of Anthropic's list (RFC 3339 dates) as OpenAI writes it (Unix seconds), with its bounds in tokens: OpenAI's list has none, and clients read
 * them by several names. `undefined` for what is no model.
 */
export function convertModel(value: unknown, id?: string): ModelObject | undefined {
  if (!isJsonObject(value) || typeof value['id'] !== 'string') return undefined;
  const created = Date.parse(String(value['created_at']));
  const { display_name: name, max_input_tokens: input, max_tokens: output } = value;
  return {
    id: id ?? value['id'], object: 'model', created: Number.isNaN(created) ? 0 : Math.floor(created / 1000), owned_by: 'anthropic',
    ...(typeof name === 'string' ? { display_name: name } : {}),
    ...bound('context_window', input), ...bound('max_input_tokens', input), ...bound('max_output_tokens', output),
  };
}

/** A configured name with what is known of the model that it stands for. */
export function aliasObject(id: string, ownedBy: string, target: ModelObject | undefined): ModelObject {
  if (target === undefined) return { id, object: 'model', created: 0, owned_by: ownedBy };
  const { display_name: _name, ...known } = target;
  return { ...known, id };
}
