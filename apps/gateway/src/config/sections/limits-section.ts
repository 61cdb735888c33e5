import { z } from 'zod';
import { checkedText, RELOADABLE } from './field-kinds.ts';

/** What happens to requests of limited clients while the shared store is down. */
export const STORE_FAILURE_POLICIES = ['open', 'closed'] as const;

/** One of `STORE_FAILURE_POLICIES`. */
export type StoreFailurePolicy = (typeof STORE_FAILURE_POLICIES)[number];

/** Where the counters of client limits live. */
export interface LimitsConfig {
  readonly store: string;
  readonly on_store_failure: StoreFailurePolicy;
}

function isStore(value: string): boolean {
  if (value === 'memory') return true;
  const url = URL.parse(value);
  return url !== null && (url.protocol === 'redis:' || url.protocol === 'rediss:') && url.hostname !== '';
}

/** The schema of `limits`. */
export const limitsSection: z.ZodType<LimitsConfig> = z.strictObject({
  store: checkedText('memory, or a redis:// or rediss:// URL', isStore).default('memory')
    .describe('`memory`, or the URL of a Redis that replicas share. A password in it is secret. `rediss://` is verified; `NODE_EXTRA_CA_CERTS` adds a private authority.'),
  on_store_failure: z.enum(STORE_FAILURE_POLICIES, 'open or closed').default('open')
    .describe('While the store is down: `open` lets limited clients pass and counts it, `closed` refuses them.').meta(RELOADABLE),
}, 'an object');
