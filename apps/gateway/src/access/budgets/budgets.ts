import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { PartConditions } from '../../observe/causes.ts';
import type { Person, Principal } from '../identity/principal.ts';
import { budgetsOfConfig, createBudgetBook, type Budget } from './budget-book.ts';
import { withUserIds } from './budget-scope.ts';
import { ownScope } from './counted-scope.ts';
import { createBudgetGate, type BudgetGate } from './budget-gate.ts';
import type { BudgetAccount } from './budget-state.ts';
import { describeSpentBudgets } from './describe-spent-budgets.ts';
import { describeBlock, secondsToReset } from './describe-block.ts';
import { describeUsage, type UsageDocument } from './describe-usage.ts';
import { removeQuota } from './remove-quota.ts';
import type { SpendSource } from './spend-index.ts';
import { blockedFields } from './unified-headers.ts';

/** Why a caller may not spend, as both sides answer it. */
export interface BudgetRefusal {
  readonly message: string;
  /** Absent where it is not known when waiting helps. */
  readonly retryAfterSeconds: number | undefined;
  /** Flat fields of the answer. */
  readonly fields: readonly string[];
}

/** The budgets of one gateway process, over all reloads. */
export interface Budgets {
  /** The account of a caller by the key of its counters; `undefined` where no budget holds for it. */
  accountOf(counterKey: string, name: string, person: Person | undefined): BudgetAccount | undefined;
  /** Why a caller may not spend now; `undefined` where it may. `more` are nano-dollars that it would spend at once. */
  refusalFor(account: BudgetAccount, more?: bigint): BudgetRefusal | undefined;
  /** Puts what is spent of a caller's budgets into the fields of its answer, in place of the upstream's own quota. An error gets no fields. */
  putStanding(headers: string[], account: BudgetAccount, status: number): void;
  /** What a caller spent and may spend, for Claude Code's `/usage`. */
  usageOf(counterKey: string, name: string, person: Person | undefined): UsageDocument;
  /** Budgets that are spent. */
  conditions(): PartConditions;
  /** Takes the budgets of a configuration. */
  update(config: BudgetsConfig): void;
  /** From now on there may be budgets that were set over HTTP and are not known, until `setLive`. */
  awaitLive(): void;
  /** Takes the budgets that were set over HTTP; those of the configuration come first. */
  setLive(budgets: readonly Budget[]): void;
  readonly gate: BudgetGate;
}

/** What budgets read of a configuration. */
export type BudgetsConfig = Pick<GatewayConfig, 'budgets' | 'admin' | 'state' | 'identity'>;

/** Makes the budgets of a configuration. */
export function createBudgets(config: BudgetsConfig, spend: SpendSource, now: () => number = Date.now): Budgets {
  let { identity } = config;
  let ofFile = budgetsOfConfig(config.budgets, identity);
  let live: readonly Budget[] = [];
  let onFailure = config.state.on_failure;
  let blockedMessage = config.admin.blocked_message;
  const gate = createBudgetGate({ spend, now, onFailure, book: createBudgetBook(ofFile) });
  let isComplete = true;
  const apply = (): void => gate.update(createBudgetBook([...ofFile, ...withUserIds(live, identity)]), onFailure, isComplete);

  return {
    gate,
    accountOf: (counterKey, name, person) => gate.accountOf(counterKey, name, person),
    refusalFor(account, more) {
      const block = gate.findBlock(account, more);
      return block === undefined ? undefined : { message: describeBlock(block, blockedMessage), retryAfterSeconds: secondsToReset(block, now()), fields: blockedFields(block) };
    },
    putStanding(headers, account, status) {
      removeQuota(headers);
      if (status >= 400) return;
      for (const text of gate.fieldsOf(account)) headers.push(text);
    },
    usageOf(counterKey, name, person) {
      const account = gate.accountOf(counterKey, name, person);
      const principal: Principal = person ?? { kind: 'client', name };
      return describeUsage(account === undefined ? [] : gate.statesOf(account), (period) => gate.spentBy(ownScope(principal), period));
    },
    conditions: () => describeSpentBudgets(gate),
    update(next) {
      identity = next.identity;
      ofFile = budgetsOfConfig(next.budgets, identity);
      onFailure = next.state.on_failure;
      blockedMessage = next.admin.blocked_message;
      apply();
    },
    awaitLive() {
      isComplete = false;
      apply();
    },
    setLive(budgets) {
      isComplete = true;
      live = budgets;
      apply();
    },
  };
}
