export { createUsageObserver, DEFAULT_MAX_MEMBER_BYTES, type UsageObserver, type UsageObserverOptions } from './create-usage-observer.ts';
export { type MessageTokens, type MessageUsage, type ModelTokens, type TokenCounts, type UsageResult, type UsageSource } from './usage-result.ts';
