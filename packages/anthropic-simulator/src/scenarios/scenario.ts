import type { JsonObject } from '../json.ts';
import type { MessagePlan } from '../messages/message-plan.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** What a scenario knows when it decides about an answer. */
export interface ScenarioContext {
  /** The validated request. */
  readonly request: JsonObject;
  readonly model: string;
  readonly random: SeededRandom;
  readonly maxTokens: number;
}

/** Decides what the model answers. */
export type Scenario = (context: ScenarioContext) => MessagePlan;
