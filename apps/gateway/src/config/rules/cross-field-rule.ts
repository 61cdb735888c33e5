import type { ConfigProblem } from '../config-error.ts';
import type { GatewayConfig } from '../gateway-config.ts';

/** What rules know of the world beside the configuration. */
export interface RuleContext {
  /** The upstream will be the built-in simulator: no key is needed and `base_url` is not used. */
  readonly simulate: boolean;
  readonly cores: number;
  /** Addresses of this machine's interfaces. */
  readonly localAddresses: readonly string[];
}

/** A rule between several fields. It is skipped where a field it reads has a problem of its own, which would make it guess. */
export interface CrossFieldRule {
  readonly reads: readonly string[];
  readonly check: (config: GatewayConfig, context: RuleContext) => readonly ConfigProblem[];
}
