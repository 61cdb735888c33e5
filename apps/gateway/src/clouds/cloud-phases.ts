import { performance } from 'node:perf_hooks';
import { describeClosedModel } from '../access/clients/describe-closed-model.ts';
import { estimateInput } from '../access/limits/charge-tokens.ts';
import { checkJsonType, receiveJson, type ReceivedJson } from '../body/receive-json.ts';
import { checkNamedModels } from '../pipe/check-named-models.ts';
import { checkSpending } from '../pipe/check-spending.ts';
import { GatewayError } from '../request/gateway-error.ts';
import { checkQuery } from './check-query.ts';
import type { CloudTarget } from './cloud-format.ts';
import type { CloudExchange, CloudRuntime } from './cloud-runtime.ts';

/** Bytes of the largest body that is gathered; both clouds take less. */
export const LARGEST_CLOUD_BODY_BYTES: number = 32 * 1024 * 1024;

/** The end of phase 2: the header policy decides which fields go upstream. The credential follows when the body is there. */
export function buildCloudHead(runtime: CloudRuntime, exchange: CloudExchange): void {
  exchange.measuresText = runtime.limiter.limitsTokens(exchange.client);
  const forwarded = runtime.policy.forwardRequestHeaders(exchange.inbound.request.rawHeaders, runtime.additions);
  if (!forwarded.ok) throw new GatewayError(forwarded.violation.code === 'too_many_fields' ? 'header_overflow' : 'bad_request', forwarded.violation.message);
  if (forwarded.dropped.length > 0) runtime.metrics.headersDropped('request', forwarded.dropped);
  exchange.outboundHeaders = forwarded.headers;
}

/** Phase 3. What the path asks for, and whether this caller may. */
export function routeToCloud(runtime: CloudRuntime, exchange: CloudExchange): CloudTarget {
  const { format } = runtime;
  const target = format.findTarget(exchange.inbound);
  exchange.route = target.route;
  exchange.wantsStream = target.route.headClock === 'stream';
  if (exchange.rules?.allowsRouteGroup(format.side) === false) throw new GatewayError('forbidden', `The "${format.side}" routes are not open to this client at this gateway.`);
  checkQuery(exchange.inbound.query, format.query);
  if (target.model !== undefined) checkCloudModel(runtime, exchange, target.model);
  return target;
}

function checkCloudModel({ format }: CloudRuntime, exchange: CloudExchange, model: string): void {
  const { inbound, rules } = exchange;
  exchange.requestedModel = model;
  if (inbound.trace !== undefined) inbound.trace.requestModel = model;
  format.checkModel(model);
  if (rules?.allowsModel(model) === false) throw new GatewayError('model_not_open', describeClosedModel(model, rules.openModels));
}

/** Between phases 3 and 4: what the caller may spend. */
export function checkCloudBudget(runtime: CloudRuntime, exchange: CloudExchange, { route }: CloudTarget): void {
  exchange.budget = runtime.budgets?.accountOf(exchange.counterKey, exchange.client, exchange.person);
  checkSpending(runtime, exchange, route);
}

/** Phase 5. The body is gathered while it is validated. */
export async function receiveForCloud(runtime: CloudRuntime, exchange: CloudExchange, { model }: CloudTarget): Promise<void> {
  exchange.bytes = runtime.budget.lease(exchange.counterKey);
  if (runtime.format.requiresJsonType) checkJsonType(exchange.inbound.head);
  readReceived(runtime, exchange, await receiveJson(exchange.inbound, exchange.bytes, LARGEST_CLOUD_BODY_BYTES), model);
}

function readReceived(runtime: CloudRuntime, exchange: CloudExchange, { envelope, chunks, byteLength, textBytes }: ReceivedJson, model: string | undefined): void {
  if (envelope.root !== 'object') throw new GatewayError('bad_request', 'The request body must be a JSON object.');
  const [duplicate] = envelope.duplicates;
  if (duplicate !== undefined) throw new GatewayError('bad_request', `The request body has more than one ${JSON.stringify(duplicate)}.`);
  if (model === undefined) {
    const named = envelope.members.get('model')?.[0];
    if (named?.kind !== 'string') throw new GatewayError('bad_request', 'The request body has no readable "model".');
    checkCloudModel(runtime, exchange, named.value);
  }
  if (exchange.rules?.restrictsModels === true) checkNamedModels(exchange.rules, envelope);
  const maxTokens = envelope.members.get('max_tokens')?.[0];
  exchange.maxTokens = maxTokens?.kind === 'number' ? Math.max(0, Math.ceil(maxTokens.value)) : undefined;
  exchange.requestBytes = byteLength;
  exchange.estimatedInput = estimateInput(textBytes);
  exchange.chunks = chunks;
  exchange.receivedAt = performance.now();
}
