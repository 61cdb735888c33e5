import type { Limiter, LimiterOptions } from './limiter.ts';
import { createMemoryLimiter } from './memory-limiter.ts';
import { createStoreLimiter } from './store-limiter.ts';

/**
 * Makes a limiter; one for each side of the gateway, since each counts for itself. In memory a decision waits for nothing. A store that replicas share is
 * waited for within its timeout, and may fail.
 */
export function createLimiter(options: LimiterOptions): Limiter {
  return options.store === 'memory' ? createMemoryLimiter(options) : createStoreLimiter(options);
}
