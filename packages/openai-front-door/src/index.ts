import '@penstock/option-names/supported-node';
export { createOpenAiFrontDoor, type OpenAiFrontDoor } from './create-openai-front-door.ts';
export {
  DEFAULT_FRONT_DOOR_LIMITS,
  DEFAULT_SETTING_NAMES, type FrontDoorHooks, type FrontDoorLimits, type FrontDoorOptions, type ReadBody, type ReceivedBody, type RequestRead, type SettingNames, type StreamBody,
} from './options.ts';
export { DEFAULT_RELAY_GROUPS, RELAY_GROUPS, type CallerAccess, type RelayGroup } from './relay/relay-groups.ts';
export { RELAY_ROUTES, relayRoutesAt, UNKNOWN_RELAY_ROUTE, type RelayRoute, type RelayedBodyKind } from './relay/relay-routes.ts';
export { FrontDoorOptionsError } from './options-error.ts';
export type {
  AnthropicBackend, Backend, BackendRequest, BackendResponse, OpenAiBackend, RawHeaders, ResponseKind, SendToBackend,
} from './backend.ts';
export type { AnswerTokens, ModelTokens, RequestSummary, StreamProgress, TokenCounts, UsageSource } from './request-summary.ts';
export {
  ERROR_KINDS, FRONT_DOOR_ERROR_CODES, FrontDoorError, isFrontDoorError,
  type ErrorKind, type FrontDoorErrorCode, type FrontDoorErrorDetails, OUTCOMES, type Outcome,
} from './errors/front-door-error.ts';
export { BACKEND_FAILURES } from './errors/backend-failure.ts';
export { openAiErrorBody, openAiErrorResponse, type OpenAiErrorBody, type OpenAiErrorResponse } from './errors/openai-error-body.ts';
export { respondWithOpenAiError } from './errors/respond-with-openai-error.ts';
export { BUILT_IN_MODEL_CAPABILITIES } from './models/built-in-capabilities.ts';
export { mergeModelCapabilities } from './models/merge-model-capabilities.ts';
export {
  capabilitiesOf, EFFORT_LEVELS, THINKING_TYPES, UNKNOWN_MODEL_CAPABILITIES,
  type EffortLevel, type ModelCapabilities, type ModelCapabilityRegistry, type ModelCapabilityRule, type ThinkingType,
} from './models/model-capabilities.ts';
export { DEFAULT_MAX_OUTPUT_TOKENS, type ModelRoute } from './models/model-map.ts';
export { translateRequest, type TranslatedRequest } from './chat/translate-request.ts';
export { translateResponseRequest, type ResponseEcho, type TranslatedResponseRequest } from './responses/translate-response-request.ts';
export type { ToolName, ToolNames } from './responses/tool-names.ts';
export type { TranslationSettings } from './messages-core/translation-scope.ts';
export { isTranslatedResponseField } from './messages-core/response-headers.ts';
export { DEFAULT_ANTHROPIC_VERSION } from './routes/anthropic-request.ts';
