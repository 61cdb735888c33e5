import { readContentCoding } from '@penstock/sse-relay';
import { GROUP_TRAITS } from '../config/sections/route-groups.ts';
import { GatewayError } from '../request/gateway-error.ts';
import { checkSpending } from '../pipe/check-spending.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import type { NativeRoute } from './route-table.ts';

/**
 * Between phases 3 and 4: before the limits, which a refusal must not use up. A caller whose budget is spent is refused where a model would work; what is
 * spent out of sight is closed to callers with budgets, and a message batch that cannot be read as it passes is refused.
 */
export function checkBudget(runtime: NativeRuntime, exchange: NativeExchange, matched: NativeRoute): void {
  const account = runtime.budgets?.accountOf(exchange.counterKey, exchange.client, exchange.person);
  if (account === undefined) return;
  exchange.budget = account;
  const group = matched.group ?? 'unknown';
  if (account.isCapped && group === 'batches' && matched.batch === undefined && exchange.inbound.method === 'POST') {
    throw new GatewayError('forbidden', 'This path of the "batches" routes is not open to a caller with a budget at this gateway: what it spends is not known.');
  }
  if (account.isCapped && GROUP_TRAITS[group].spendsUnseen && exchange.rules?.namesRouteGroup(group) !== true) {
    throw new GatewayError('forbidden', `The "${group}" routes are not open to a caller with a budget at this gateway, unless its own routes name them: what they spend is not known when they answer.`);
  }
  checkSpending(runtime, exchange, matched);
  if (account.isCapped && matched.batch === 'all' && exchange.inbound.method === 'POST') checkReadable(exchange);
}

/** The length of a compressed batch bounds nothing that it spends. */
function checkReadable({ inbound }: NativeExchange): void {
  if (readContentCoding(inbound.request.rawHeaders) === 'identity') return;
  throw new GatewayError('unsupported_media_type', 'A message batch of a caller with a budget cannot be compressed at this gateway, since its cost is estimated while it is uploaded: send the body without content-encoding.', { acceptEncoding: 'identity' });
}
