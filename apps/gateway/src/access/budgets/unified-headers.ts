import type { BudgetBlock, BudgetState } from './budget-state.ts';

/** By these fields Claude Code knows how much of a budget is spent, warns and shows when it resets. */
const PREFIX = 'anthropic-ratelimit-unified-';
/** A budget that only warns may be passed; the client reads parts below the whole. */
const MOST_SHOWN_PERCENT = 99;
const DISABLED_REASONS = { spent: 'org_spend_cap_reached', unknown: 'fetch_error' } as const;

/** The fields of an answer to a caller with budgets, by the one of which most is spent. */
export function standingFields({ percent, surpassed, resetsAt }: BudgetState): readonly string[] {
  const status = surpassed === undefined ? 'allowed' : 'allowed_warning';
  return [
    `${PREFIX}status`, status, `${PREFIX}overage-status`, status, `${PREFIX}representative-claim`, 'overage',
    `${PREFIX}overage-utilization`, (Math.min(percent, MOST_SHOWN_PERCENT) / 100).toFixed(2),
    `${PREFIX}reset`, String(resetsAt), `${PREFIX}overage-reset`, String(resetsAt),
    ...(surpassed === undefined ? [] : [`${PREFIX}overage-surpassed-threshold`, String(surpassed)]),
  ];
}

/** The fields of a refusal. A representative claim or an overage status would make the client write a line of its own and drop the message. */
export function blockedFields(block: BudgetBlock): readonly string[] {
  const reason = [`${PREFIX}overage-disabled-reason`, DISABLED_REASONS[block.kind]];
  if (block.kind === 'unknown') return reason;
  const { budget, resetsAt } = block.state;
  const isGroupPool = budget.kind === 'group' && budget.share === 'pooled';
  return [
    `${PREFIX}status`, 'rejected', `${PREFIX}reset`, String(resetsAt), `${PREFIX}overage-reset`, String(resetsAt), `${PREFIX}overage-utilization`, '1',
    `${PREFIX}overage-surpassed-threshold`, '1', `${PREFIX}overage-period`, budget.period, ...reason, ...(isGroupPool ? [`${PREFIX}overage-scope`, 'group_pool'] : []),
  ];
}
