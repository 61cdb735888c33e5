import { hasViaPseudonym } from '@penstock/header-policy';
import { FrontDoorError, RELAY_GROUPS, type RequestRead } from '@penstock/openai-front-door';
import type { BudgetAccount } from '../access/budgets/budget-state.ts';
import type { Budgets } from '../access/budgets/budgets.ts';
import type { ByteBudget, ByteLease } from '../body/byte-budget.ts';
import type { ClientRegistry } from '../access/clients/client-registry.ts';
import { describeClosedModel } from '../access/clients/describe-closed-model.ts';
import type { ClientRules } from '../access/clients/client-rules.ts';
import { IDENTITY_RETRY_SECONDS } from '../access/clients/refusal.ts';
import type { Person } from '../access/identity/principal.ts';
import { BUDGET_LIMIT } from '../config/sections/clients-section.ts';
import { GROUP_TRAITS, groupsWith } from '../config/sections/route-groups.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { Lifecycle } from '../process/lifecycle.ts';
import { estimateInput } from '../access/limits/charge-tokens.ts';
import { describeRefusal, type Refusal } from '../access/limits/decide-admission.ts';
import type { Lease, Limiter } from '../access/limits/limiter.ts';
import type { RequestLog } from '../observe/log/request-log.ts';
import { OpenFrontDoorRequest } from './open-front-door-request.ts';
import type { GatewayMetrics } from '../observe/metrics/create-gateway-metrics.ts';

/** Groups whose requests spend out of sight. */
const UNSEEN_GROUPS = groupsWith(RELAY_GROUPS, 'spendsUnseen');

/** The client of a front-door request, and the resources that the request holds; released when it is settled. */
export interface FrontDoorCaller {
  /** A client's, or a policy's. */
  readonly name: string;
  /** What its limits, bytes and share of the slots are counted by. */
  readonly counterKey: string;
  readonly rules: ClientRules | undefined;
  /** Absent for clients. */
  readonly person: Person | undefined;
  /** The request as the live page shows it. */
  readonly open: OpenFrontDoorRequest;
  /** Absent where no budget holds for the caller. */
  readonly budget: BudgetAccount | undefined;
  readonly lease: Lease | undefined;
  /** The bytes of its request that are held. */
  readonly bytes: ByteLease;
  /** Whether the fields of its header that did not cross were counted: a list of models asks several backends. */
  hasCountedFields: boolean;
  /** Whether its tokens are limited, so that what the model writes is counted. */
  readonly measuresText: boolean;
  /** What the request may cost, once its body was read; absent where no model answers. */
  cost: FrontDoorCost | undefined;
}

/** The tokens that a request may cost, by its body. */
export interface FrontDoorCost {
  readonly model: string | undefined;
  readonly stream: boolean;
  /** The output tokens of one answer at most; absent where the request gives no bound. */
  readonly maxTokens: number | undefined;
  readonly choices: number;
  /** By the length of the body, decoded. */
  readonly estimatedInput: number;
}

/** What admission needs. */
export interface FrontDoorAdmission {
  readonly clients: ClientRegistry;
  readonly limiter: Limiter;
  /** Absent where nothing is stored, so that nothing is counted. */
  readonly budgets: Budgets | undefined;
  readonly lifecycle: Lifecycle;
  readonly metrics: GatewayMetrics;
  readonly log: RequestLog;
  readonly viaPseudonym: string;
  readonly budget: ByteBudget;
}

/** Decides before the body is read: the drain, loops, the key, the route and the client's limits. Throws the `FrontDoorError` that answers. */
export async function admitClient(admission: FrontDoorAdmission, inbound: InboundRequest): Promise<FrontDoorCaller> {
  const { rawHeaders } = inbound.request;
  const open = new OpenFrontDoorRequest(inbound);
  inbound.described = open;
  if (admission.lifecycle.isRefusing) throw new FrontDoorError('draining', 'The gateway is shutting down.', { retryAfterSeconds: 1 });
  if (hasViaPseudonym(rawHeaders, admission.viaPseudonym)) throw new FrontDoorError('loop_detected', 'The request has passed this gateway before.');
  const identity = await admission.clients.authenticate(rawHeaders, 'front_door');
  if (identity.kind === 'refused') {
    admission.log.credentialRefused(inbound, identity.reason, identity.person);
    admission.metrics.credentialRefused('front_door', identity.reason);
    const { code, message } = identity.answer;
    throw new FrontDoorError(code, message, code === 'identity_unavailable' ? { retryAfterSeconds: IDENTITY_RETRY_SECONDS } : {});
  }
  inbound.authenticated();
  const { name, counterKey, client: rules, person } = identity;
  inbound.client = name;
  open.person = person;
  // Which group a path is in, the front door knows; a client that may use none of them is refused before anything is read.
  if (rules !== undefined && !RELAY_GROUPS.some((group) => rules.allowsRouteGroup(group))) {
    throw new FrontDoorError('forbidden', 'The OpenAI front door is not open to this client.');
  }
  const budget = admission.budgets?.accountOf(counterKey, name, person);
  open.hidesQuota = budget !== undefined;
  const lease = await takeLimits(admission, name, counterKey);
  open.isAdmitted = true;
  return { name, counterKey, rules, person, open, budget, lease, bytes: admission.budget.lease(counterKey), measuresText: admission.limiter.limitsTokens(name), cost: undefined, hasCountedFields: false };
}

async function takeLimits({ limiter, metrics }: FrontDoorAdmission, name: string, counterKey: string): Promise<Lease | undefined> {
  if (!limiter.needsLimits(name)) return undefined;
  const decision = await limiter.admit(name, counterKey);
  if (decision.ok) return decision.lease;
  throw refusalOf(decision, name, metrics);
}

function refusalOf({ limit, retryAfterSeconds }: Refusal, name: string, metrics: GatewayMetrics): FrontDoorError {
  if (limit === 'store_unavailable') return new FrontDoorError('overloaded', describeRefusal(limit), { retryAfterSeconds });
  metrics.limitRejected(name, limit);
  return new FrontDoorError('rate_limited', describeRefusal(limit), { retryAfterSeconds });
}

/** Decides once the body was read: whether every model that the request names is open to the client. */
export function admitModel(caller: FrontDoorCaller, { model, otherModels = [], needsModel = true }: RequestRead): void {
  const { rules } = caller;
  if (rules?.restrictsModels !== true) return;
  if (model === undefined && needsModel) throw new FrontDoorError('bad_request', 'The request names no model that can be read.', { param: 'model' });
  for (const named of model === undefined ? otherModels : [model, ...otherModels]) {
    if (!rules.allowsModel(named)) throw new FrontDoorError('model_not_found', describeClosedModel(named, rules.openModels), { param: 'model' });
  }
}

/** What a request may cost by its body; `undefined` where no model answers, as far as is known. */
export function frontDoorCostOf({ model, stream, maxTokens, choices, requestBytes, jsonBytes }: RequestRead): FrontDoorCost | undefined {
  return choices === undefined ? undefined : { model, stream, maxTokens, choices, estimatedInput: estimateInput(jsonBytes ?? requestBytes) };
}

/** Decides once the body was read: whether the caller may spend what the request will cost. */
export function admitSpending({ budget, rules, name }: FrontDoorCaller, { choices, isSpentLater, needsModel, isFree, group }: RequestRead, { budgets, metrics }: Pick<FrontDoorAdmission, 'budgets' | 'metrics'>): void {
  if (budget === undefined || budgets === undefined) return;
  if (group !== undefined && budget.isCapped && GROUP_TRAITS[group].spendsUnseen && rules?.namesRouteGroup(group) !== true) {
    throw new FrontDoorError('forbidden', `The "${group}" routes are not open to a caller with a budget at this gateway, unless its own routes name them: what they spend is not known when they answer.`);
  }
  if (isSpentLater === true && budget.isCapped && !UNSEEN_GROUPS.some((unseen) => rules?.namesRouteGroup(unseen))) {
    throw new FrontDoorError('forbidden', 'Requests that are worked on after their answer, such as batches, are not open to a caller with a budget at this gateway, unless its own routes name them: what they spend is not known when they are answered.');
  }
  if (isFree === true || (choices === undefined && isSpentLater !== true && needsModel !== true)) return;
  const refusal = budgets.refusalFor(budget);
  if (refusal === undefined) return;
  metrics.limitRejected(name, BUDGET_LIMIT);
  throw new FrontDoorError('insufficient_quota', refusal.message, refusal.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: refusal.retryAfterSeconds });
}

/** The last step before the request is sent: the tokens that it may cost are reserved until it is settled. `maxOutputTokens` stands for a bound that it does not give. */
export async function reserveTokens(caller: FrontDoorCaller, { maxTokens, choices, isSpentLater, requestBytes, jsonBytes }: RequestRead, { metrics, limiter, maxOutputTokens }: Pick<FrontDoorAdmission, 'metrics' | 'limiter'> & { readonly maxOutputTokens: number }): Promise<void> {
  if (isSpentLater === true) {
    throw new FrontDoorError('forbidden', `Requests that are worked on after their answer, such as batches, are not open to a client with a limit in tokens (${limiter.tokenLimitsOf(caller.name).join(', ')}) at this gateway: what they spend is not known when they are answered.`);
  }
  if (choices === undefined) return;
  const estimatedInput = estimateInput(jsonBytes ?? requestBytes);
  const refusal = await caller.lease?.reserve({
    input_tokens_per_minute: estimatedInput, output_tokens_per_minute: (maxTokens ?? maxOutputTokens) * choices,
  });
  if (refusal !== undefined) throw refusalOf(refusal, caller.name, metrics);
}
