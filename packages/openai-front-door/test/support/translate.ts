import { capabilitiesOf, BUILT_IN_MODEL_CAPABILITIES, FrontDoorError, translateRequest, type ModelCapabilities, type TranslationSettings } from '../../src/index.ts';
import { parseJsonRequest } from '../../src/json/parse-json-request.ts';

/** A model that takes everything, so that nothing is dropped on its account. */
export const PERMISSIVE: ModelCapabilities = {
  rejectsSampling: false, exclusiveSampling: false, effortLevels: ['low', 'medium', 'high', 'xhigh', 'max'], thinkingTypes: ['adaptive', 'enabled', 'between_tools', 'disabled'],
  thinksByDefault: false, bindsThinking: false, boundsEffortWithoutThinking: false, rejectsForcedTools: false,
  structuredOutputs: true, inlineSystem: true, rejectsPrefill: false,
};

/** Settings of a test: a permissive model unless told otherwise. */
export function settings(given: Partial<TranslationSettings> = {}): TranslationSettings {
  return {
    upstreamModel: 'claude-test', capabilities: PERMISSIVE, defaultMaxTokens: 8192,
    laterSystemMessages: 'hoist', jsonObjectFormat: 'reject', reasoningContent: false, ...given,
  };
}

/** Settings with what the built-in registry says of a model. */
export function settingsOf(model: string, given: Partial<TranslationSettings> = {}): TranslationSettings {
  return settings({ upstreamModel: model, capabilities: capabilitiesOf(BUILT_IN_MODEL_CAPABILITIES, model), ...given });
}

const HELLO = [{ role: 'user', content: 'Hello' }];

/** Translates a request of the given fields; messages are a greeting unless given. The body goes through the same parser as on the wire. */
export function translate(fields: Record<string, unknown>, given: Partial<TranslationSettings> = {}): { readonly body: Readonly<Record<string, unknown>>; readonly ignored: readonly string[] } {
  const bytes = Buffer.from(JSON.stringify({ model: 'claude-test', messages: HELLO, ...fields }));
  const translated = translateRequest(parseJsonRequest(bytes), settings(given));
  return { body: JSON.parse(translated.body), ignored: translated.ignoredParams };
}

/** The error that a request is refused with. */
export function refusal(fields: Record<string, unknown>, given: Partial<TranslationSettings> = {}): FrontDoorError {
  try {
    translate(fields, given);
  } catch (error) {
    if (error instanceof FrontDoorError) return error;
    throw error;
  }
  throw new Error('the request was not refused');
}
