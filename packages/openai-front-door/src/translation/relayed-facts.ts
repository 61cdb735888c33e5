import { asNumber } from '../request/parse-json.ts';
import { member, type JsonObject } from '../request/json-value.ts';

/** What the gateway reads of a JSON body that it passes on as it came. */
export interface RelayedFacts {
  /** The model that the body names; absent where it names none. */
  readonly model: string | undefined;
  readonly stream: boolean;
  /** The output bound; absent where it has none. */
  readonly maxTokens: number | undefined;
}

/** Reads the facts of a relayed request. It runs on whichever thread parsed the body, so its result must be plain data. */
export function relayedFacts(request: JsonObject): RelayedFacts {
  const model = member(request, 'model');
  const bound = asNumber(member(request, 'max_completion_tokens') ?? member(request, 'max_tokens'));
  return {
    model: typeof model === 'string' ? model : undefined,
    stream: member(request, 'stream') === true,
    maxTokens: typeof bound === 'number' ? bound : undefined,
  };
}
