import '@penstock/option-names/supported-node';
export { createUsageObserver, DEFAULT_MAX_MEMBER_BYTES, type UsageObserver, type UsageObserverOptions } from './create-usage-observer.ts';
export { type MessageTokens, type MessageUsage, type ModelTokens, type TokenCounts, type UsageResult, type UsageSource } from './usage-result.ts';
export { isUsageOptionError, UsageOptionError, type UsageOptionErrorCode } from './usage-option-error.ts';
export { findPrice } from './find-price.ts';
export { FAST_PPM, PRICES, UNKNOWN_MODEL_PRICE, WEB_SEARCH_PICO_DOLLARS, type DatedPrice, type Price, type TokenRates } from './prices.ts';
export { priceUsage, type CostPart, type PricedUsage, type UsageCost } from './price-usage.ts';
export { createBatchReader, MOST_BATCH_MODELS, type BatchModel, type BatchReader, type BatchRequests } from './batches/create-batch-reader.ts';
export { createBatchResultsObserver, DEFAULT_MAX_LINE_BYTES, type BatchResult, type BatchResultsOptions } from './batches/create-batch-results-observer.ts';
