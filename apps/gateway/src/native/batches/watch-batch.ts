import { BUDGET_LIMIT } from '../../config/sections/clients-section.ts';
import { GatewayError } from '../../request/gateway-error.ts';
import type { NativeExchange } from '../native-exchange.ts';
import type { NativeRuntime } from '../native-runtime.ts';
import type { NativeRoute } from '../route-table.ts';
import { BatchCreation } from './batch-creation.ts';
import { BatchReading } from './batch-reading.ts';

/** Between phases 5 and 6, where costs are added up: reads a message batch when it is made, and its results when they are read. */
export function watchBatch(runtime: NativeRuntime, exchange: NativeExchange, { batch }: NativeRoute): void {
  if (!runtime.measuresOutput || batch === undefined) return;
  const { method } = exchange.inbound;
  if (batch === 'results' && method === 'GET') watchResults(runtime, exchange);
  else if (batch === 'all' && method === 'POST') watchCreation(runtime, exchange);
}

function watchCreation(runtime: NativeRuntime, exchange: NativeExchange): void {
  const creation = new BatchCreation(exchange.inbound.request.rawHeaders);
  const { contentLength } = exchange.outbound;
  const stopped = exchange.uploadFailure;
  let refusal: GatewayError | undefined;
  const check = (isWhole: boolean): void => {
    refusal = findRefusal(runtime, exchange, creation);
    if (refusal !== undefined) throw refusal;
    if (isWhole) book(runtime, exchange, creation);
  };
  exchange.batch = creation;
  exchange.answerObserver = creation;
  exchange.uploadFailure = () => refusal ?? stopped?.();
  exchange.outbound = { body: creation.watch(exchange.outbound, check), contentLength };
}

/** A batch is refused as soon as what was read of it would cost more than is left: the upstream has not all of it then, and makes none. */
function findRefusal({ budgets, observer, metrics, first }: NativeRuntime, exchange: NativeExchange, creation: BatchCreation): GatewayError | undefined {
  const { budget } = exchange;
  if (budgets === undefined || budget?.isCapped !== true) return undefined;
  const nanoDollars = observer.estimateOfBatch(creation.estimate(), exchange.upstream ?? first.name);
  const refusal = budgets.refusalFor(budget, nanoDollars);
  if (refusal === undefined) return undefined;
  metrics.limitRejected(exchange.client, BUDGET_LIMIT);
  const { message, retryAfterSeconds, fields } = refusal;
  const text = nanoDollars === 0n ? message : `The batch was not made: by its estimate it costs more than what is left of a budget. ${message}`;
  return new GatewayError('budget_spent', text, { fields, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}

/**
 * A batch that was let through counts from now, in the same turn of the event loop as its check: others are judged with it. The end of the request takes that back, and
 * nothing would if the request ended before.
 */
function book({ observer, first }: NativeRuntime, { budget, inbound, upstream, client, person }: NativeExchange, creation: BatchCreation): void {
  const { response } = inbound;
  if (budget?.isCapped !== true || response.writableEnded || response.destroyed) return;
  observer.batchAdmitted(inbound, creation.estimate(), { upstream: upstream ?? first.name, client, person });
}

function watchResults({ observer, metrics }: NativeRuntime, exchange: NativeExchange): void {
  const reading = new BatchReading(exchange.inbound.path.split('/').at(-2) ?? '', () => exchange.upstream, observer);
  exchange.batchRead = reading;
  exchange.answerObserver = reading.observe((error) => metrics.observerError('usage', error));
}
