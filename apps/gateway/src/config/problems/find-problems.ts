import { availableParallelism, networkInterfaces } from 'node:os';
import { exposureRules } from '../rules/exposure-rules.ts';
import { identityRules } from '../rules/identity-rules.ts';
import { listenerRules } from '../rules/listener-rules.ts';
import { moneyRules } from '../rules/money-rules.ts';
import { nativeUpstreamRules } from '../rules/native-upstream-rules.ts';
import { namingRules } from '../rules/naming-rules.ts';
import { poolRules } from '../rules/pool-rules.ts';
import { priceRules } from '../rules/price-rules.ts';
import { tlsRules } from '../rules/tls-rules.ts';
import { upstreamRules } from '../rules/upstream-rules.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { CrossFieldRule, RuleContext } from '../rules/cross-field-rule.ts';
import type { GatewayConfig } from '../gateway-config.ts';

const RULES: readonly CrossFieldRule[] = [...poolRules, ...listenerRules, ...upstreamRules, ...nativeUpstreamRules, ...tlsRules, ...exposureRules, ...namingRules, ...identityRules, ...moneyRules, ...priceRules];

/** The rules' view of this machine. */
export function ruleContext(simulate: boolean, cores: number = availableParallelism()): RuleContext {
  const localAddresses = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  return { simulate, cores, localAddresses };
}

/** Problems between fields; `broken` are the paths that have problems of their own. */
export function findCrossFieldProblems(config: GatewayConfig, context: RuleContext, broken: readonly string[] = []): ConfigProblem[] {
  return RULES.filter(({ reads }) => !reads.some((path) => broken.some((other) => contains(path, other) || contains(other, path))))
    .flatMap((rule) => rule.check(config, context));
}

/** Whether a path is another one or holds it. */
export function contains(outer: string, inner: string): boolean {
  return outer === '' || inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
}
