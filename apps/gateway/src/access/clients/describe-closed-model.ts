const LONGEST_QUOTED = 200;
const MOST_PATTERNS = 20;

/** The sentence for a client that asked for a model that its `models` do not allow: it names the model, and what is open. */
export function describeClosedModel(model: string, openModels: readonly string[]): string {
  const shown = openModels.slice(0, MOST_PATTERNS).map(quote).join(', ');
  const rest = openModels.length > MOST_PATTERNS ? ` and ${openModels.length - MOST_PATTERNS} more` : '';
  return `The model ${quote(model)} is not open to this client at this gateway. Open to it: ${shown}${rest}.`;
}

/** A text of the client's in a sentence of ours: bounded, and in printable ASCII, for terminals and logs show it. */
function quote(text: string): string {
  const bounded = text.length > LONGEST_QUOTED ? `${text.slice(0, LONGEST_QUOTED)}...` : text;
  return JSON.stringify(bounded).replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
