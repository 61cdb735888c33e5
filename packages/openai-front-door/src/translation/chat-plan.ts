import type { ModelCapabilityRegistry } from '../models/model-capabilities.ts';
import type { ModelRoute } from '../models/model-map.ts';

/** What of a front door's options decides how a chat request is read: data only, so that it can be handed to another thread. */
export interface ChatPlan {
  readonly models: readonly ModelRoute[];
  readonly capabilities: ModelCapabilityRegistry;
  /** The default of all models, where there is one. */
  readonly maxOutputTokens: number | undefined;
  /** The `anthropic-version` of each backend that translates, by name; absent for a backend that relays. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly laterSystemMessages: 'hoist' | 'inline';
  readonly jsonObjectFormat: 'reject' | 'ignore';
  readonly reasoningContent: boolean;
  readonly maxRequestValues: number;
}
