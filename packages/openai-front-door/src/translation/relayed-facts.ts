import { member, type JsonObject } from '../json/json-value.ts';
import { countAnswers, largestBound } from '../relay/token-cost.ts';

/** What the gateway reads of a JSON body that it passes on as it came. */
export interface RelayedFacts {
  /** The model that the body names; absent where it names none. */
  readonly model: string | undefined;
  readonly stream: boolean;
  /** The output bound of one answer; absent where it has none, infinite where one cannot be read. */
  readonly maxTokens: number | undefined;
  /** How many answers are made. */
  readonly choices: number;
  /** Whether it is worked on after its answer. */
  readonly isBackground: boolean;
}

/** Reads the facts of a relayed request. It runs on whichever thread parsed the body, so its result must be plain data. */
export function relayedFacts(request: JsonObject): RelayedFacts {
  const model = member(request, 'model');
  return {
    model: typeof model === 'string' ? model : undefined,
    stream: member(request, 'stream') === true,
    maxTokens: largestBound(request),
    choices: countAnswers(request),
    isBackground: member(request, 'background') === true,
  };
}
