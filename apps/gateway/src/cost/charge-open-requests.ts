import type { SettledCost } from '../ledger/entries-of-request.ts';
import type { OpenedLedger } from '../ledger/open-ledger.ts';
import type { OpenRequest, OpenRequests } from '../request/open-requests.ts';
import { costOf } from './cost-of-request.ts';
import type { PriceBook } from './price-book.ts';

/** What charging open requests needs of a gateway. */
export interface OpenRequestCharges {
  /** The open requests of each side. */
  readonly openRequests: Readonly<Record<string, OpenRequests>>;
  readonly prices: () => PriceBook;
  /** Whether a budget holds for any caller. */
  readonly hasBudgets: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** Charges the streams of a gateway while they are open, as long as there are budgets. */
export function chargeOpenRequests(ledger: Pick<OpenedLedger, 'chargeOpen'>, { openRequests, prices, hasBudgets, onError }: OpenRequestCharges): void {
  ledger.chargeOpen({
    list: () => Object.values(openRequests).flatMap((requests) => requests.list()),
    costOf: (request) => openCost(request, prices()),
    isNeeded: hasBudgets,
    onError,
  });
}

function openCost({ described }: OpenRequest, prices: PriceBook): SettledCost | undefined {
  const spending = described?.openSpending?.();
  if (spending === undefined) return undefined;
  const cost = costOf(spending.request, prices);
  return cost === undefined ? undefined : { cost, client: spending.client, person: spending.person };
}
