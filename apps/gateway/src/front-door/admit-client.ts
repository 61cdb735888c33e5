import { hasViaPseudonym } from '@penstock/header-policy';
import { FrontDoorError, RELAY_GROUPS, type RequestRead } from '@penstock/openai-front-door';
import type { ByteBudget, ByteLease } from '../inbound/byte-budget.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { describeClosedModel } from '../clients/describe-closed-model.ts';
import type { ClientRules } from '../clients/client-rules.ts';
import type { InboundRequest } from '../inbound/inbound-request.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Lease } from '../limits/lease-book.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { RequestLog } from '../logging/request-log.ts';
import type { GatewayMetrics } from '../metrics/create-gateway-metrics.ts';

/** Who calls the front door, and what the request holds. Released by whoever settles the request. */
export interface FrontDoorCaller {
  readonly name: string;
  readonly rules: ClientRules | undefined;
  readonly lease: Lease | undefined;
  /** The bytes of its request that are held. */
  readonly bytes: ByteLease;
  /** Output tokens that the request may cost, once its body was read. */
  maxTokens: number | undefined;
  /** Whether the fields of its header that did not cross were counted: a list of models asks several backends. */
  hasCountedFields: boolean;
}

/** What admission needs. */
export interface FrontDoorAdmission {
  readonly clients: ClientRegistry;
  readonly limiter: Limiter;
  readonly lifecycle: Lifecycle;
  readonly metrics: GatewayMetrics;
  readonly log: RequestLog;
  readonly viaPseudonym: string;
  readonly budget: ByteBudget;
}

/** Decides before the body is read: the drain, loops, the key, the route and the client's limits. Throws the `FrontDoorError` that answers. */
export async function admitClient(admission: FrontDoorAdmission, inbound: InboundRequest): Promise<FrontDoorCaller> {
  const { rawHeaders } = inbound.request;
  if (admission.lifecycle.isRefusing) throw new FrontDoorError('draining', 'The gateway is shutting down.', { retryAfterSeconds: 1 });
  if (hasViaPseudonym(rawHeaders, admission.viaPseudonym)) throw new FrontDoorError('loop_detected', 'The request has passed this gateway before.');
  const identity = admission.clients.authenticate(rawHeaders, 'front_door');
  if (identity.kind === 'refused') {
    admission.log.credentialRefused(inbound, identity.reason);
    throw new FrontDoorError('unauthenticated', identity.message);
  }
  inbound.authenticated();
  const { name, client: rules } = identity;
  // Which group a path is in, the front door knows; a client that may use none of them is refused before anything is read.
  if (rules !== undefined && !RELAY_GROUPS.some((group) => rules.allowsRouteGroup(group))) {
    throw new FrontDoorError('forbidden', 'The OpenAI front door is not open to this client.');
  }
  return { name, rules, lease: await takeLimits(admission, name), bytes: admission.budget.lease(name), maxTokens: undefined, hasCountedFields: false };
}

async function takeLimits({ limiter, metrics }: FrontDoorAdmission, name: string): Promise<Lease | undefined> {
  if (!limiter.needsLimits(name)) return undefined;
  const decision = await limiter.admit(name);
  if (decision.ok) return decision.lease;
  const details = { retryAfterSeconds: decision.retryAfterSeconds };
  if (decision.limit === 'store_unavailable') throw new FrontDoorError('overloaded', 'The gateway\'s store of client limits does not answer, so that the limits of this client cannot be checked at the moment.', details);
  metrics.limitRejected(name, decision.limit);
  throw new FrontDoorError('rate_limited', `This client has reached its limit at this gateway (${decision.limit}).`, details);
}

/** Decides once the body was read: whether every model that the request names is open to the client. */
export function admitModel(caller: FrontDoorCaller, { model, otherModels = [], needsModel = true, maxTokens }: RequestRead): void {
  caller.maxTokens = maxTokens;
  const { rules } = caller;
  if (rules?.restrictsModels !== true) return;
  if (model === undefined && needsModel) throw new FrontDoorError('bad_request', 'The request names no model that can be read.', { param: 'model' });
  for (const named of model === undefined ? otherModels : [model, ...otherModels]) {
    if (!rules.allowsModel(named)) throw new FrontDoorError('model_not_found', describeClosedModel(named, rules.openModels), { param: 'model' });
  }
}
