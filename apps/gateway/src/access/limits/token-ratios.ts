/** How many bytes of text a model's token has, as far as whole answers showed. */
export interface TokenRatios {
  /** Notes what one whole answer showed. */
  note(model: string | undefined, textBytes: number, tokens: number): void;
  /** Bytes a token of a model; `DEFAULT_BYTES_PER_TOKEN` until it was seen. */
  bytesPerToken(model: string | undefined): number;
}

/** English text and code have about four bytes a token. */
export const DEFAULT_BYTES_PER_TOKEN = 4;

/** Answers of fewer tokens show more of their stop token than of their text. */
const FEWEST_TOKENS = 16;
/** Older answers count half once so many tokens were seen. */
const REMEMBERED_TOKENS = 50_000;
/** What a client makes a model write moves the ratio that others are charged by: only so far. */
const LOWEST = 1;
const HIGHEST = 6;
/** Models remembered; the one that was noted first makes room. */
const MAX_MODELS = 64;

/** Makes the memory of one side; it holds two numbers for each of at most 64 models. */
export function createTokenRatios(): TokenRatios {
  const seen = new Map<string, { bytes: number; tokens: number }>();
  return {
    note(model, textBytes, tokens) {
      if (model === undefined || !(textBytes > 0) || !(tokens >= FEWEST_TOKENS) || !Number.isFinite(textBytes + tokens)) return;
      const known = seen.get(model);
      if (known === undefined) {
        const [oldest] = seen.keys();
        if (seen.size >= MAX_MODELS && oldest !== undefined) seen.delete(oldest);
        seen.set(model, { bytes: textBytes, tokens });
        return;
      }
      const kept = known.tokens >= REMEMBERED_TOKENS ? 0.5 : 1;
      known.bytes = known.bytes * kept + textBytes;
      known.tokens = known.tokens * kept + tokens;
    },
    bytesPerToken(model) {
      const known = model === undefined ? undefined : seen.get(model);
      return known === undefined ? DEFAULT_BYTES_PER_TOKEN : Math.min(HIGHEST, Math.max(LOWEST, known.bytes / known.tokens));
    },
  };
}
