import type { BudgetBlock, BudgetState } from './budget-state.ts';
import { dollarsText } from './money.ts';

/** What a caller whose budget is spent can do, where `admin.blocked_message` does not say it. */
const ASK = 'Ask those who run this gateway for more.';

const DATE = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'long', year: 'numeric' });

/** The one sentence that a refused caller reads, and what it can do. */
export function describeBlock(block: BudgetBlock, blockedMessage: string = ASK): string {
  if (block.kind === 'unknown') return `Spend limit unavailable: this gateway cannot read at the moment what was spent. ${blockedMessage}`;
  return `${describeBudget(block.state)} · resets ${DATE.format(block.state.resetsAt * 1_000)}, 00:00 UTC · ${blockedMessage}`;
}

/** Seconds until a blocked caller may spend again, at least 1; `undefined` where that is not known. */
export function secondsToReset(block: BudgetBlock, now: number = Date.now()): number | undefined {
  return block.kind === 'unknown' ? undefined : Math.max(1, Math.ceil(block.state.resetsAt - now / 1_000));
}

function describeBudget({ budget: { kind, name, share, period, nanoDollars } }: BudgetState): string {
  const amount = dollarsText(nanoDollars);
  if (share === 'each') return `Your ${period} budget of ${amount} at this gateway is spent`;
  return `The ${period} budget of ${amount} that ${kind === 'group' ? `the group ${JSON.stringify(name)}` : 'all callers'} share at this gateway is spent`;
}
