export { createUsageObserver, DEFAULT_MAX_MEMBER_BYTES, type UsageObserver, type UsageObserverOptions } from './usage/create-usage-observer.ts';
export { type MessageUsage, type TokenCounts, type UsageResult, type UsageSource } from './usage/usage-result.ts';
