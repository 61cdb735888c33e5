export { createRelayHandler, type RelayHandler } from './create-relay-handler.ts';
export { createEventBoundary, type EventBoundary } from './event-boundary.ts';
export { DEFAULT_RELAY_OPTIONS, type BodyObserver, type RelayHead, type RelayOptions } from './relay-options.ts';
export { RELAY_ENDS, type RelayEnd, type RelayFailure, type RelayResult } from './relay-result.ts';
export { RelayError, isRelayError, type RelayErrorCode } from './relay-error.ts';
export type { BodyFraming } from './response-description.ts';
