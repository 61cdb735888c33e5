import { BUDGET_LIMIT } from '../config/sections/clients-section.ts';
import { GatewayError } from '../request/gateway-error.ts';
import type { PipedExchange } from './piped-exchange.ts';
import type { PipedRoute, PipeRuntime } from './pipe-runtime.ts';

/** Refuses a caller whose budget is spent, where a model would work. Also just before a request is sent, where it waited: its budget may have been spent by then. */
export function checkSpending({ budgets, metrics }: PipeRuntime, exchange: PipedExchange, matched: PipedRoute): void {
  const account = exchange.budget;
  if (budgets === undefined || account === undefined) return;
  if (!matched.reportsUsage && !(matched.isSpentLater && exchange.inbound.method === 'POST')) return;
  const refusal = budgets.refusalFor(account);
  if (refusal === undefined) return;
  metrics.limitRejected(exchange.client, BUDGET_LIMIT);
  const { message, retryAfterSeconds, fields } = refusal;
  throw new GatewayError('budget_spent', message, { fields, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}
