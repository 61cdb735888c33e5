import '@penstock/option-names/supported-node';
export { createRelayHandler, type RelayHandler } from './relay/create-relay-handler.ts';
export { createEventBoundary, type EventBoundary } from './relay/event-boundary.ts';
export { DEFAULT_RELAY_TIMEOUTS, type BodyObserver, type KeepAliveOptions, type RelayHead, type RelayOptions, type RelayTimeouts } from './relay/relay-options.ts';
export { RELAY_ENDS, type RelayEnd, type RelayFailure, type RelayProgress, type RelayResult } from './relay/relay-result.ts';
export { RelayError, isRelayError, type RelayErrorCode } from './relay/relay-error.ts';
export type { BodyFraming } from './relay/response-description.ts';
export {
  DEFAULT_EVENT_OBSERVER_LIMITS, createEventObserver, type EventObserver, type EventObserverLimits, type EventObserverOptions,
} from './observer/create-event-observer.ts';
export { createFrameBoundary } from './frames/frame-boundary.ts';
export { createFrameObserver, type FrameObserverOptions } from './frames/create-frame-observer.ts';
export { encodeExceptionFrame, encodeFrame } from './frames/encode-frame.ts';
export type { Frame } from './frames/frame.ts';
export { ByteBuffer } from './observer/byte-buffer.ts';
export { createDecodedCopy, readContentCoding, type DecodedCopy, type DecodedCopyOptions } from './observer/decoded-copy.ts';
export { ObserverError, isObserverError, type ObserverErrorCode } from './observer/observer-error.ts';
